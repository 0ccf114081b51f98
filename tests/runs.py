"""What the tests of the scripts share: a small run's arguments, its tables, their equality."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.auditing.ledger import count_queries
from lit_clid.scores import Scores

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
DEMO = CONFIGS / "demo.yaml"
Run = Callable[..., tuple[int, str]]
STANDARD = [name for name in ATTACKS if name not in COSTLY]
EACH = sum(
    count.evaluated for count in count_queries({name: ATTACKS[name] for name in STANDARD}).values()
)
REFERENCES = ("reference", "reference_shadow")
TABLES = ("target", "shadow", *REFERENCES)
DISCREPANCIES = ("d1", "d2", "d3", "d4")
SMALL = (
    "data.members=12",
    "data.nonmembers=12",
    "trainer.max_steps=6",
    "finetune.batch_size=4",
    "finetune.schedule=constant",
    "finetune.samples=2",
    "finetune.validate_every=3",
    "finetune.save_every=2",
    "trainer.enable_progress_bar=false",
    "audit.reference_attacks=null",
)


def arguments(runs: Path, base: Path, *more: str) -> list[str]:
    return [f"runs={runs}", "name=small", f"target.path={base}", *SMALL, *more]


def assert_same_table(found: Path, expected: Path) -> None:
    """Every loss agrees within 1e-5 relative.

    A discrepancy is first turned back into the loss under its reduced condition.

    Attacks that chain answers or raise them to the fourth power multiply that error. CLiR is a
    difference of logs, and where a network sees little noise in a still latent, the rounding of its
    small answer is large beside its square.
    """
    for role in TABLES:
        new, old = (
            Scores.load(folder / "scores" / f"{role}.parquet") for folder in (found, expected)
        )
        assert new.ids == old.ids
        assert set(new.signals) == set(old.signals)
        for column in old.signals:
            attack, _, part = column.rpartition("_")
            own = [t.signals[f"{attack}_l"] if part in DISCREPANCIES else 0.0 for t in (new, old)]
            pair = [t.signals[column] - base for t, base in zip((new, old), own, strict=True)]
            exact = column in ("loss", "monte_carlo") or column.startswith("clid")
            rtol, atol = (
                (1e-5, 0) if exact else (0, 2e-4) if column.startswith("clir") else (1e-3, 1e-6)
            )
            np.testing.assert_allclose(pair[0], pair[1], rtol=rtol, atol=atol, err_msg=column)


def start(script: str, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / script), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def on_terminal(script: str, *arguments: str) -> tuple[int, str]:
    """Run a script whose output is a terminal: (exit code, everything it drew and printed)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 200, 0, 0))  # rows and columns
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / script), *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    drawn = b""
    with suppress(OSError):  # the last process has closed it
        while block := os.read(ours, 1 << 16):
            drawn += block
    os.close(ours)
    return process.wait(), drawn.decode()


def wait_for(
    condition: Callable[[], object], process: "subprocess.Popen[str]", seconds: float = 120
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


GRID = "grid={defenses: {none: [], drop: [caption_dropout]}, seeds: [3], checkpoints: [0.25]}"


def words(base: Path, runs: Path, *more: str) -> list[str]:
    """A small grid's command line; a grid in `more` takes the place of the usual one."""
    grid = () if any(word.startswith("grid={") for word in more) else (GRID,)
    return [
        str(DEMO),
        f"runs={runs}",
        "name=grid",
        f"target.path={base}",
        *SMALL,
        "finetune.samples=0",
        *grid,
        "attacks=[loss,clid_th_null]",
        "audit.reference=null",
        "utility.samples=4",
        "utility.sampling_steps=2",
        "utility.t=[300,700]",
        "utility.draws=1",
        *more,
    ]
