"""The command line: `lit-clid COMMAND`, one for each of `COMMANDS`, and its doors.

A command loads what it needs when it is called, never for `--help`.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lit_clid import console
from lit_clid.commands import usage
from lit_clid.commands.threads import before_torch
from lit_clid.config.explained import explanation
from lit_clid.errors import UserError, suggestion


def _train(arguments: Sequence[str]) -> None:
    before_torch()
    from lit_clid.commands.train import main

    main(arguments)


def _audit(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["verify"]:
        _verify(arguments[1:])
        return
    from lit_clid.commands.table import judge_table

    if judge_table(arguments):  # without what only models need
        return
    before_torch()
    from lit_clid.commands.audit import main
    from lit_clid.commands.gauge.run import main as gauge

    if not gauge(arguments):  # a pattern names several models
        main(arguments)


def _sweep(arguments: Sequence[str]) -> None:
    before_torch()
    from lit_clid.commands.sweep.run import main

    main(arguments)


def _experiment(arguments: Sequence[str]) -> None:
    before_torch()
    from lit_clid.commands.experiment.run import main

    main(arguments)


def _verify(arguments: Sequence[str]) -> None:
    from lit_clid.commands.verify import main

    main(arguments)


def _judge(arguments: Sequence[str]) -> None:
    from lit_clid.commands.rejudging import main

    main(arguments)


def _compare(arguments: Sequence[str]) -> None:
    from lit_clid.commands.comparing import main

    main(arguments)


def _check(arguments: Sequence[str]) -> None:
    before_torch()
    from lit_clid.commands.checking import main

    main(arguments)


def _init(arguments: Sequence[str]) -> None:
    from lit_clid.commands.beginning import main

    main(arguments)


def _list(arguments: Sequence[str]) -> None:
    from lit_clid.commands.listing import main

    main(arguments)


def _explain(arguments: Sequence[str]) -> None:
    from lit_clid.commands.explaining import main

    main(arguments)


@dataclass(frozen=True)
class Command:
    """One command.

    Args:
        main: does it, given the words after its name.
        summary: what for, in a line.
        usage: how it is called.
        configured: it reads a configuration, so that its help explains every key.
    """

    main: Callable[[Sequence[str]], None]
    summary: str
    usage: str
    configured: bool = True

    def help(self, call: str) -> str:
        """The text of `--help`, for who typed `call`."""
        said = self.usage.format(call=call)
        return f"{said}\n\n{explanation()}" if self.configured else said


COMMANDS: dict[str, Command] = {
    "init": Command(_init, "write the configuration for a folder and a model", usage.INIT, False),
    "check": Command(_check, "say what a configuration would take here", usage.CHECK, False),
    "train": Command(_train, "fine-tune a target, or its shadow, and export it", usage.TRAIN),
    "audit": Command(_audit, "audit a target, or judge a table, and report", usage.AUDIT),
    "sweep": Command(_sweep, "choose an attack's timesteps on the shadow", usage.SWEEP),
    "experiment": Command(_experiment, "compare defenses over a grid", usage.EXPERIMENT),
    "judge": Command(_judge, "judge a run's tables again, or a table", usage.JUDGE, False),
    "compare": Command(_compare, "put several targets in one table", usage.COMPARE, False),
    "verify": Command(_verify, "derive a report again from its tables", usage.VERIFY, False),
    "list": Command(_list, "name attacks, defenses, families, rules", usage.LIST, False),
    "explain": Command(_explain, "say what a key of the configuration means", usage.EXPLAIN, False),
}


def main() -> None:
    """`lit-clid`, and `python -m lit_clid`."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        door(name, f"lit-clid {name}", arguments)
    else:
        console.run(_refuse, [name], _overview)


def door(name: str, call: str, arguments: Sequence[str] | None = None) -> None:
    """Run one command as a script.

    Args:
        call: how the script is called, for its help.
        arguments: None means the script's own.
    """
    command = COMMANDS[name]
    words = sys.argv[1:] if arguments is None else arguments
    console.run(command.main, words, lambda: command.help(call))


def _overview() -> str:
    lines = [(f"  {name}", command.summary) for name, command in COMMANDS.items()]
    return (
        "usage: lit-clid COMMAND [config.yaml ...] [key=value ...]\n\n"
        f"{console.aligned(lines)}\n\n"
        "lit-clid COMMAND --help says more, and explains every key of the configuration."
    )


def _refuse(words: Sequence[str]) -> None:
    near = suggestion(words[0], list(COMMANDS), listed="commands")
    raise UserError(f"unknown command '{words[0]}'{near}")
