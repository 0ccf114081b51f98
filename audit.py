"""Audit a target and write the report: the door to `lit-clid audit`."""

from lit_clid.commands.line import door

if __name__ == "__main__":
    door("audit", "python audit.py")
