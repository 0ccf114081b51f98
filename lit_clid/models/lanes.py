"""Rows that are answered side by side on the cores of a CPU.

A call on many cores waits, operation by operation, for the slowest of them. Calls on some of the
rows each, one for every core, wait for each other once.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from lit_clid.models.embedding import Embedding

LEAST = 8
"""Rows of a call below which its cores do better together."""
Part = TypeVar("Part")
Found = TypeVar("Found")


@torch.no_grad()
def side_by_side(answer: Callable[..., Tensor], first: Tensor, *more: Tensor | Embedding) -> Tensor:
    """answer(first, *more) (B, …), asked about some of the B rows on each core; no gradients.

    Rows of `first` that share one of an input with fewer stay together.

    On another device, within an autocast or for few rows it is one call.

    Args:
        answer: whose rows depend on the same rows of the inputs alone; called from several threads.
        first, more: inputs with B rows each, or with a number of rows that B is a multiple of.
    """
    inputs = (first, *more)
    rows = [given.rows if isinstance(given, Embedding) else len(given) for given in inputs]
    units = min(rows)
    lanes = min(units, _lanes(len(first), first.device))
    if lanes < 2:
        return answer(first, *more)
    inferring = torch.is_inference_mode_enabled()

    def ask(part: tuple[Any, ...]) -> Tensor:
        with torch.inference_mode(inferring), torch.no_grad():
            return answer(*part)

    most = [-(-units // lanes) * (count // units) for count in rows]
    parts = zip(*(given.split(n) for given, n in zip(inputs, most, strict=True)), strict=True)
    return torch.cat(_each(ask, list(parts)))


def rows_of_a_lane(network: nn.Module, rows: Tensor) -> int:
    """How many of a training call's rows (B, …) a core is given; all where its cores do better
    together, or where the network throws dice, or shares its weights with other processes, so that
    calls have an order.
    """
    each = -(-len(rows) // _lanes(len(rows), rows.device))
    alone = each < len(rows) and (_throws_dice(network) or _is_shared(network))
    return len(rows) if alone else each


def _throws_dice(network: nn.Module) -> bool:
    return any(isinstance(m, nn.modules.dropout._DropoutNd) and m.p > 0 for m in network.modules())


def _is_shared(network: nn.Module) -> bool:
    from torch.distributed.tensor import DTensor

    return any(isinstance(parameter, DTensor) for parameter in network.parameters())


def summed(
    loss: Callable[[Part], Tensor], parts: Sequence[Part], wanted: Sequence[Tensor]
) -> Tensor:
    """Σ loss(part), a number that can be differentiated by `wanted` alone; several parts are
    computed, forwards and back, side by side. Gradients are summed in the order of the parts.
    """
    if len(parts) == 1:
        return loss(parts[0])
    found: Tensor = _Summed.apply(loss, parts, *wanted)
    return found


class _Summed(torch.autograd.Function):
    """Carries gradients that are there before they are asked for."""

    @staticmethod
    def forward(ctx: Any, loss: Any, parts: Sequence[Any], *wanted: Tensor) -> Tensor:
        def ask(part: Any) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            with torch.enable_grad():
                value = loss(part)
                return value.detach(), torch.autograd.grad(value, wanted, allow_unused=True)

        values, gradients = zip(*_each(ask, parts), strict=True)
        ctx.gradients = [_total(column) for column in zip(*gradients, strict=True)]
        return torch.stack(values).sum()

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> Any:
        own = [None if each is None else each * given[0] for each in ctx.gradients]
        return None, None, *own


def _total(gradients: Sequence[Tensor | None]) -> Tensor | None:
    found = [each for each in gradients if each is not None]
    return sum(found[1:], found[0]) if found else None


def _each(ask: Callable[[Part], Found], parts: Sequence[Part]) -> list[Found]:
    """ask(part) of each part on cores of its own."""
    cores = torch.get_num_threads()

    def alone(part: Part) -> Found:
        torch.set_num_threads(max(1, cores // len(parts)))
        return ask(part)

    asked = [_pool(os.getpid(), len(parts)).submit(alone, part) for part in parts]
    try:
        wait(asked)
    finally:
        torch.set_num_threads(cores)  # a thread's own number, and what new threads begin with
    return [each.result() for each in asked]


def _lanes(rows: int, device: torch.device) -> int:
    """As many parts of a call as leave no core without work."""
    cores = torch.get_num_threads()
    if device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return 1
    most = min(cores, rows // LEAST)
    return max((lanes for lanes in range(1, most + 1) if cores % lanes == 0), default=1)


@lru_cache(maxsize=4)
def _pool(process: int, lanes: int) -> ThreadPoolExecutor:
    """Threads of this process: those of the one it was forked from are not there any more."""
    return ThreadPoolExecutor(lanes, thread_name_prefix="lane")
