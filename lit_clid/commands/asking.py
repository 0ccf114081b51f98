"""`audit`: of one model, of several by a pattern, or of a table; `audit verify` is `verify`."""

from collections.abc import Sequence

from lit_clid.commands.table import judge_table
from lit_clid.commands.threads import before_torch


def main(arguments: Sequence[str]) -> None:
    """Do what the words ask for, and load no more than that takes."""
    if arguments[:1] == ["verify"]:
        from lit_clid.commands.verify import main as verify

        verify(arguments[1:])
        return
    if judge_table(arguments):  # without what only models need
        return
    before_torch()
    from lit_clid.commands.audit import main as audit
    from lit_clid.commands.gauge.run import main as gauge

    if not gauge(arguments):  # a pattern names several models
        audit(arguments)
