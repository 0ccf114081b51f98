"""The door to `lit-clid experiment`, for `python -m` and torchrun."""

from lit_clid.commands.line import door

if __name__ == "__main__":
    door("experiment", "python -m lit_clid.experiment")
