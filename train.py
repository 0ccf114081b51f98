"""Fine-tune a target, or its shadow, and export it: the door to `lit-clid train`."""

from lit_clid.commands.line import door

if __name__ == "__main__":
    door("train", "python train.py")
