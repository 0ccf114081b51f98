"""Fine-tune a target, or its shadow, and export it: the door to `lit_clid.commands.train`."""

from lit_clid import console
from lit_clid.commands.train import USAGE, main

if __name__ == "__main__":
    console.run(main, USAGE)
