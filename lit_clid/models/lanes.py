"""Rows that are answered side by side on the cores of a CPU.

A call on many cores waits, operation by operation, for the slowest of them. Calls on some of the
rows each, one for every core, wait for each other once.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding

LEAST = 8
"""Rows of a call below which its cores do better together."""


@torch.no_grad()
def side_by_side(answer: Callable[..., Tensor], first: Tensor, *more: Tensor | Embedding) -> Tensor:
    """answer(first, *more) (B, …), asked about some of the B rows on each core; no gradients.

    Rows of `first` that share one of an input with fewer stay together.

    On another device, within an autocast or for few rows it is one call.

    Args:
        answer: whose rows depend on the same rows of the inputs alone; called from several threads.
        first, more: inputs with B rows each, or with a number of rows that B is a multiple of.
    """
    cores, inputs = torch.get_num_threads(), (first, *more)
    rows = [given.rows if isinstance(given, Embedding) else len(given) for given in inputs]
    units = min(rows)
    lanes = _lanes(cores, min(units, len(first) // LEAST))
    if lanes < 2 or first.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return answer(first, *more)
    inferring = torch.is_inference_mode_enabled()

    def ask(part: tuple[Any, ...]) -> Tensor:
        torch.set_num_threads(cores // lanes)
        with torch.inference_mode(inferring), torch.no_grad():
            return answer(*part)

    most = [-(-units // lanes) * (count // units) for count in rows]
    parts = zip(*(given.split(n) for given, n in zip(inputs, most, strict=True)), strict=True)
    asked = [_pool(os.getpid(), lanes).submit(ask, part) for part in parts]
    try:
        wait(asked)
    finally:
        torch.set_num_threads(cores)  # a thread's own number, and what new threads begin with
    return torch.cat([each.result() for each in asked])


def _lanes(cores: int, most: int) -> int:
    """As many parts as leave no core without work."""
    return max((lanes for lanes in range(1, min(cores, most) + 1) if cores % lanes == 0), default=1)


@lru_cache(maxsize=4)
def _pool(process: int, lanes: int) -> ThreadPoolExecutor:
    """Threads of this process: those of the one it was forked from are not there any more."""
    return ThreadPoolExecutor(lanes, thread_name_prefix="lane")
