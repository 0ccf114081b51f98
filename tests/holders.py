"""Processes that hold a run folder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runs import wait_for

HOLD = """
import sys, time
from pathlib import Path
from lit_clid import console
from lit_clid.commands.holding import held
def main(words):
    with held(Path(words[0]), words[1]):
        Path(words[0], "made").touch()
        time.sleep(100)
console.run(main, sys.argv[1:], str)
"""


@contextmanager
def another(folder: Path, part: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds a folder, or a part of it, until it is told to end."""
    command = [sys.executable, "-c", HOLD, str(folder), part]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_for((folder / "made").exists, process)
        yield process
    finally:
        process.kill()
        process.communicate()
