"""Audit a target and write the report: the door to `lit_clid.commands.audit`."""

from lit_clid import console
from lit_clid.commands.audit import USAGE, main

if __name__ == "__main__":
    console.run(main, USAGE)
