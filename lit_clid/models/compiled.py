"""A network that is compiled, asked in few shapes so that it is compiled few times."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding

GRAPHS = "graphs"
"""How to compile: with CUDA graphs, which launch all of a call at once."""
LEAST_PART = 8
"""Part of the most rows below which a call is filled up rather than compiled for."""
Ask = Callable[[Tensor, Tensor, Embedding], Tensor]


def compiled(network: Any, way: bool | str) -> Any:
    """The network, compiled if `way` is true or `GRAPHS`; else itself."""
    if not way:
        return network
    return torch.compile(network, mode="reduce-overhead" if way == GRAPHS else None)


def filled_up(ask: Ask, most: int, z: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
    """ask(z, t, embedding) (B, C, h, w), asked with `most` rows, or half as many as long as B fits.

    The last row is repeated, and what is answered to the copies is left out.

    Args:
        ask: whose rows depend on the same rows of its inputs alone.
        most: rows of a call, B or more.
    """
    count, rows = len(z), most
    while rows % 2 == 0 and rows // 2 >= max(count, most // LEAST_PART):
        rows //= 2
    if rows > count:
        places = torch.arange(rows, device=z.device).clamp(max=count - 1)
        z, t, embedding = z[places], t[places], embedding.take(places)
    if not z.is_cuda:
        return ask(z, t, embedding)[:count]
    torch.compiler.cudagraph_mark_step_begin()
    return ask(z, t, embedding)[:count].clone()  # a graph's next answers lie in the same place
