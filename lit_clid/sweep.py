"""The door to `lit_clid.commands.sweep`, for `python -m` and torchrun."""

from lit_clid import console
from lit_clid.commands.sweep.run import USAGE, main

if __name__ == "__main__":
    console.run(main, USAGE)
