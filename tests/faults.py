"""Commands in processes of their own that can be killed, each forked from one that has loaded all.

A process that starts anew spends seconds on imports, and most random moments would fall into these.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from runs import SMALL

from lit_clid.scores import Scores

LOADED = (
    "lit_clid.commands.line",
    "lit_clid.commands.audit",
    "lit_clid.commands.train",
    "lit_clid.commands.gauge.run",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
    "matplotlib.pyplot",
    "scipy.stats",
)
FORK = get_context("forkserver")
FORK.set_forkserver_preload(list(LOADED))
AUDIT = ("attacks=[clid_th_null]", "audit.batch_size=1", "audit.swapped=8")
TABLES = ("target", "shadow", "reference", "reference_shadow", "swapped", "blind")


def _carry_out(words: list[str], log: str, largest: int | None) -> None:
    """What the process does; no file that it writes may be larger than `largest`."""
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    sys.argv = ["lit-clid", *words]
    from lit_clid.commands import line

    line.main()


class Command:
    """A command of `lit-clid` that runs in a folder of its own.

    Args:
        folder: of runs; what is said goes to a log in it.
        words: of the command line.
        largest: bytes of the largest file that it may write; None for any.
    """

    def __init__(self, folder: Path, *words: str, largest: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"log-{len(list(folder.glob('log-*')))}"
        self.log.touch()
        given = ([words[0], f"runs={folder}", *words[1:]], str(self.log), largest)
        self.process: ForkServerProcess = FORK.Process(target=_carry_out, args=given)
        self.process.start()

    def end(self, seconds: float = 120) -> tuple[int, str]:
        """Exit code, −signal if it was killed, and everything it said."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"it did not end: {self.log.read_text()}")
        return self.process.exitcode, self.log.read_text()

    def killed_after(self, seconds: float) -> bool:
        """Kill it after a while; False if it had ended by then."""
        self.process.join(seconds)
        alive = self.process.is_alive()
        self.process.kill()
        code, said = self.end()
        assert alive or code in (0, -9), said
        return code == -9

    def send(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def killed_when(self, condition: Callable[[], object]) -> None:
        """Kill it as soon as the condition holds."""
        while not condition():
            assert self.process.is_alive(), self.log.read_text()
            time.sleep(0.005)
        self.process.kill()
        assert self.end()[0] == -9


def words_of(command: str, base: Path, *more: str) -> list[str]:
    """The command line of a small run."""
    return [command, "name=small", f"target.path={base}", *SMALL, *more]


def tables(folder: Path) -> dict[str, Any]:
    """Everything that an audit measured and judged, without when and where."""
    scores = folder / "small" / "scores"
    found: dict[str, Any] = {}
    for name in TABLES:
        table = Scores.load(scores / f"{name}.parquet")
        told = {"ids": list(table.ids), "member": table.member.tolist()}
        found[name] = {**told, **{k: v.tolist() for k, v in table.signals.items()}}
    report = json.loads((folder / "small" / "report.json").read_text())
    del report["provenance"]
    return {**found, "report": report}


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Value by value, to the last digit."""
    assert list(found) == list(expected)
    for name in expected:
        assert found[name] == expected[name], name


def shards(folder: Path, table: str = "target") -> list[Path]:
    return sorted((folder / "small" / "scores" / f"{table}.shards").glob("*.parquet"))
