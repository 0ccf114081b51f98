"""The door to `lit_clid.commands.experiment`, for `python -m` and torchrun."""

from lit_clid import console
from lit_clid.commands.experiment.run import USAGE, main

if __name__ == "__main__":
    console.run(main, USAGE)
