"""How the scripts speak and end.

A user's mistake is one line and exit code 2, Ctrl-C or SIGTERM a resumable state. What is said
never ends the work, whatever the terminal lacks and whoever reads it no more.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from lit_clid.errors import LonelyError, UserError
from lit_clid.terminal import spoken

INTERRUPTED = "stopped; what was finished is kept, the same command goes on from there"

LOST = re.compile(
    "remote worker crashing|Connection (closed|reset) by peer|ncclRemoteError|remote process exit"
)
"""What a collective of PyTorch says when a process at its other end is gone."""
OUT_OF_MEMORY = (
    "the device is out of memory; training takes less with a smaller finetune.batch_size, "
    "finetune.gradient_checkpointing=true, finetune.train=lora or trainer.precision=bf16-mixed, an "
    "audit with a smaller audit.rows or audit.precision=bf16, both with target.offload and "
    "audit.offload; what was finished is kept"
)
GRACE = 15.0
"""Seconds in which a launcher that watches the processes names the one that ended."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C."""


WORKERS = re.compile(r"(?s)\ACaught \w+ in DataLoader worker.*\n[\w.]*Error: ")
"""What torch puts before the words of an error that a process which loads records met."""
COMMANDS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
"""Control characters but for line ends and tabs, and what turns the direction of writing."""
UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
"""Of time, the largest first."""


def run(
    main: Callable[[Sequence[str]], None], arguments: Sequence[str], describe: Callable[[], str]
) -> None:
    """Run a command's `main` on its arguments, or print what `describe` says for `--help`."""
    with spoken():
        if any(argument in ("-h", "--help") for argument in arguments):
            print(describe(), flush=True)
        else:
            _carry_out(main, arguments)


def _carry_out(main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> None:
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        _among_others(main, arguments)
    except UserError as error:
        alone = isinstance(error, LonelyError)
        _end(f"error: {' '.join(WORKERS.sub('', str(error)).split())}", 2, alone=alone)
    except KeyboardInterrupt as stop:
        _end(f"\n{INTERRUPTED}", _code(stop))
    except SystemExit as exit:  # Lightning turns Ctrl-C into exit code 1
        if not isinstance(exit.__context__, KeyboardInterrupt):
            raise
        _end(f"\n{INTERRUPTED}", _code(exit.__context__))
    finally:
        signal.signal(signal.SIGTERM, previous)


def _among_others(main: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> None:
    """Run `main`; where another process of the run ended, leave its name to the launcher."""
    try:
        main(arguments)
    except RuntimeError as error:
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not loaded for a word
            raise LonelyError(OUT_OF_MEMORY) from None
        if not LOST.search(str(error)):
            raise
        time.sleep(GRACE)  # a launcher's SIGTERM ends this
        first = (str(error).splitlines() or [""])[0][:200]
        _end(f"error: another process of this run ended ({first}). {INTERRUPTED}", 1)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _code(stop: KeyboardInterrupt) -> int:
    return 143 if isinstance(stop, Terminated) else 130


def _end(words: str, code: int, *, alone: bool = False) -> None:
    """The first process speaks, or one that is alone with what it met; the others fail quietly,
    which ends those that still wait.
    """
    if alone or is_first_process():
        print(_harmless(words), file=sys.stderr)
    sys.exit(code)


def is_first_process() -> bool:
    """True on the process that speaks: rank zero of a distributed run, or the only one."""
    for rank in ("RANK", "SLURM_PROCID"):  # set by torchrun and by srun
        if rank in os.environ:
            return os.environ[rank] == "0"
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def aligned(lines: Sequence[Sequence[str]], *, ruled: bool = False) -> str:
    """Lines of cells as columns of plain text, with a rule below the first line if wanted."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = [["─" * width for width in widths]] if ruled else []
    table = [lines[0], *rule, *lines[1:]]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in table)


def span(seconds: float) -> str:
    """A time in words, in the largest unit of which it has one and a half: "40 seconds"."""
    name, unit = next((each for each in UNITS if seconds >= 1.5 * each[1]), UNITS[-1])
    count = max(1, round(seconds / unit))
    return f"{count} {name if count > 1 else name[:-1]}"


def say(sentence: str) -> None:
    """Print a sentence once, whatever the number of processes."""
    if is_first_process():
        print(_harmless(sentence), flush=True)


def _harmless(words: str) -> str:
    """Words without what a terminal would obey: names and captions are others'."""
    return COMMANDS.sub("\N{REPLACEMENT CHARACTER}", words)


def say_overlong(overlong: int, captions: int) -> None:
    """Warn of captions that the tokenizer cuts."""
    if overlong:
        say(
            f"note: {overlong} of {captions} captions are longer than the tokenizer takes; it "
            "drops their ends"
        )
