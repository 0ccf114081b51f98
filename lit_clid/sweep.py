"""The door to `lit-clid sweep`, for `python -m` and torchrun."""

from lit_clid.commands.line import door

if __name__ == "__main__":
    door("sweep", "python -m lit_clid.sweep")
