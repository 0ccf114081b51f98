"""The command line: `lit-clid COMMAND`, one for each of `COMMANDS`, and its doors.

A command loads what it needs when it is called, never for `--help`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from lit_clid import console
from lit_clid.commands import usage
from lit_clid.commands.threads import before_torch
from lit_clid.config.explained import explanation
from lit_clid.errors import UserError, suggestion


@dataclass(frozen=True)
class Command:
    """One command.

    Args:
        module: whose `main` does it, given the words after its name.
        summary: what for, in a line.
        usage: how it is called.
        configured: it reads a configuration, so that its help explains every key.
        computes: with torch, whose threads are set up before it is loaded.
    """

    module: str
    summary: str
    usage: str
    configured: bool = False
    computes: bool = False

    def main(self, arguments: Sequence[str]) -> None:
        """Do it."""
        if self.computes:
            before_torch()
        import_module(f"lit_clid.commands.{self.module}").main(arguments)

    def help(self, call: str) -> str:
        """The text of `--help`, for who typed `call`."""
        said = self.usage.format(call=call)
        return f"{said}\n\n{explanation()}" if self.configured else said


COMMANDS = {
    "init": Command("beginning", "write the configuration for a folder and a model", usage.INIT),
    "check": Command(
        "checking", "say what a configuration would take here", usage.CHECK, computes=True
    ),
    "train": Command(
        "train", "fine-tune a target, or its shadow, and export it", usage.TRAIN, True, True
    ),
    "audit": Command("asking", "audit a target, or judge a table, and report", usage.AUDIT, True),
    "sweep": Command(
        "sweep.run", "choose an attack's timesteps on the shadow", usage.SWEEP, True, True
    ),
    "experiment": Command(
        "experiment.run", "compare defenses over a grid", usage.EXPERIMENT, True, True
    ),
    "judge": Command("rejudging", "judge a run's tables again, or a table", usage.JUDGE),
    "compare": Command("comparing", "put several targets in one table", usage.COMPARE),
    "verify": Command("verify", "derive a report again from its tables", usage.VERIFY),
    "push": Command("pushing", "upload a report, and perhaps the model", usage.PUSH),
    "list": Command("listing", "name attacks, defenses, families, rules", usage.LIST),
    "explain": Command("explaining", "say what a key of the configuration means", usage.EXPLAIN),
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
