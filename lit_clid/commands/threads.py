"""How the threads of a computation wait for each other."""

import os
import re
import time
from contextlib import suppress
from pathlib import Path

SPINS = {"quiet": "3000", "busy": "0"}
"""How often a thread of the denoiser looks again before it sleeps until the others are done."""
LOOKS = 20
"""How often, 5 ms apart, the machine is looked at."""


def wait_less_eagerly() -> None:
    """Let waiting threads give up their core soon, unless the user's environment says how to wait.

    Threads that spin through a whole time slice while another process holds one of few cores cost
    an audit most of its speed (`benchmarks/busy_cores.py`). Takes effect before torch is loaded.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        os.environ["GOMP_SPINCOUNT"] = SPINS["busy" if is_busy() else "quiet"]


def is_busy(status: Path = Path("/proc/stat")) -> bool:
    """Whether others keep at least a quarter of the cores running now; False where the system
    does not tell.
    """
    others: list[int] = []
    with suppress(OSError):
        for _ in range(LOOKS):
            told = re.findall(r"^procs_running (\d+)", status.read_text(), re.MULTILINE)
            others += [int(number) - 1 for number in told]  # this one is running
            time.sleep(0.005)
    if not others:
        return False
    return 4 * sorted(others)[len(others) // 2] >= (os.cpu_count() or 1)
