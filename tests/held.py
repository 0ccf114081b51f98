"""What is held of very many records, and what is needed on the way."""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

pools: list[pa.MemoryPool] = []


def bytes_of(made: Callable[[], Any]) -> np.ndarray:
    """What is held in the end, and at most, by what is made: the most that Python and Arrow hold,
    as if both did so at one time.
    """
    gc.collect()
    before = pa.default_memory_pool()
    pools.append(pa.proxy_memory_pool(before))  # knows its own most; what it holds may outlive us
    pa.set_memory_pool(pools[-1])
    tracemalloc.start()
    kept = made()
    gc.collect()
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    pa.set_memory_pool(before)
    assert kept is not None
    arrow = np.array([pools[-1].bytes_allocated(), pools[-1].max_memory()])
    return np.array([held, most]) + arrow
