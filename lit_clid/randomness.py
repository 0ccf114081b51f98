"""Noise as a pure function of (seed, record id, draw): the same for every batch, order, rank and
device.

It is drawn on the CPU, record by record, and only then moved to where it is used.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b

import torch
from torch import Tensor


def stream(*names: object) -> int:
    """A 63-bit seed for the stream called `names`; distinct names give independent streams."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*names: object) -> torch.Generator:
    """A CPU generator at the start of the stream called `names`."""
    return torch.Generator().manual_seed(stream(*names))


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Within this, what draws from PyTorch's own generators (the CPU's, and that of `device`) draws
    from `seed`.

    The generators are as they were afterwards.
    """
    gpu = device if device is not None and device.type == "cuda" else None
    with torch.random.fork_rng(devices=[] if gpu is None else [gpu]):
        torch.default_generator.manual_seed(seed)
        if gpu is not None:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def noise(seed: int, ids: Sequence[str], draw: str, shape: Sequence[int]) -> Tensor:
    """Standard normal noise (B, *shape) float32; row i depends on (seed, ids[i], draw) alone."""
    return torch.stack(
        [torch.randn(tuple(shape), generator=generator(seed, name, draw)) for name in ids]
    )


def permutation(count: int, *names: object) -> list[int]:
    """A random order of 0…count−1 from the stream called `names`."""
    order: list[int] = torch.randperm(count, generator=generator(*names)).tolist()
    return order
