"""How a computation uses the machine: how its threads wait, and what becomes of freed memory."""

import ctypes
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path

SPINS = {"quiet": "3000", "busy": "0"}
"""How often a thread of the denoiser looks again before it sleeps until the others are done."""
LOOKS = 20
"""How often, 5 ms apart, the machine is looked at."""

KEPT = {-1: 2**31 - 1, -3: 2**25}
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc, each as high as it goes, in bytes."""


def before_torch() -> None:
    """What is set before torch is loaded; afterwards it would change nothing."""
    if "torch" in sys.modules:
        return
    wait_less_eagerly()
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for what is needed next, unless the user's environment says
    what to do with it. Given back to the system and asked for again at every operation, each page
    of it is a fault.
    """
    if any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ):
        return
    with suppress(OSError, AttributeError, TypeError):  # another system's library
        library = ctypes.CDLL(None)
        for option, bytes_ in KEPT.items():
            library.mallopt(option, bytes_)


def wait_less_eagerly() -> None:
    """Let waiting threads give up their core soon, unless the user's environment says how to wait.

    Threads that share one operation and spin through a whole time slice, while another process
    holds one of few cores, lose most of their speed: those of training, and of an audit's small
    calls. Takes effect before torch is loaded.
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
