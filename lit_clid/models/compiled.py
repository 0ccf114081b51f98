"""A network that is compiled, asked in one shape so that it is compiled once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding

GRAPHS = "graphs"
"""How to compile: with CUDA graphs, which launch all of a call at once."""
Ask = Callable[[Tensor, Tensor, Embedding], Tensor]


def compiled(network: Any, way: bool | str) -> Any:
    """The network, compiled if `way` is true or `GRAPHS`; else itself."""
    if not way:
        return network
    return torch.compile(network, mode="reduce-overhead" if way == GRAPHS else None)


def filled_up(ask: Ask, rows: int, z: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
    """ask(z, t, embedding) (B, C, h, w), asked with so many rows: the last one is repeated, and
    what is answered to its copies left out.

    Args:
        ask: whose rows depend on the same rows of its inputs alone.
        rows: of the call, B or more.
    """
    count = len(z)
    if rows > count:
        places = torch.arange(rows, device=z.device).clamp(max=count - 1)
        z, t, embedding = z[places], t[places], embedding.take(places)
    if not z.is_cuda:
        return ask(z, t, embedding)[:count]
    torch.compiler.cudagraph_mark_step_begin()
    return ask(z, t, embedding)[:count].clone()  # a graph's next answers lie in the same place
