"""Rows that are answered side by side on the cores of a CPU.

A call on many cores waits, operation by operation, for the slowest of them. Calls on some of the
rows each, one for every core, wait for each other once.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding

LEAST = 8
"""Rows of a call below which its cores do better together."""
Rows = Tensor | Embedding


def side_by_side(answer: Callable[..., Tensor], *inputs: Rows) -> Tensor:
    """answer(*inputs) (B, …), asked about some of the B rows on each core; without gradients.

    On another device, within an autocast or for few rows it is one call.

    Args:
        answer: whose rows depend on the same rows of the inputs alone; called from several threads.
        inputs: with B rows each.
    """
    first = inputs[0]
    rows = first.rows if isinstance(first, Embedding) else len(first)
    cores = torch.get_num_threads()
    lanes = min(cores, rows // LEAST)
    on_cpu = isinstance(first, Tensor) and first.device.type == "cpu"
    if lanes < 2 or not on_cpu or torch.is_autocast_enabled("cpu"):
        return answer(*inputs)
    inferring = torch.is_inference_mode_enabled()

    def ask(part: tuple[Any, ...]) -> Tensor:
        torch.set_num_threads(cores // lanes)
        with torch.inference_mode(inferring), torch.no_grad():
            return answer(*part)

    each = -(-rows // lanes)
    parts = zip(*(given.split(each) for given in inputs), strict=True)
    answers = _pool(os.getpid(), lanes).map(ask, parts)
    try:
        return torch.cat(list(answers))
    finally:
        torch.set_num_threads(cores)  # a thread's own number, and what new threads begin with


@lru_cache(maxsize=4)
def _pool(process: int, lanes: int) -> ThreadPoolExecutor:
    """Threads of this process: those of the one it was forked from are not there any more."""
    return ThreadPoolExecutor(lanes, thread_name_prefix="lane")
