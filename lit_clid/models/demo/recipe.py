"""How the embedded base was trained, and what its two trainings share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights besides the blueprint."""

    scenes: int = 98_304
    vae_steps: int = 4_200
    vae_batch: int = 32
    vae_learning_rate: float = 2e-3
    kl_weight: float = 3e-5
    steps: int = 7_000
    batch: int = 64
    learning_rate: float = 1.2e-3
    warmup: int = 500
    caption_dropout: float = 0.1
    ema_decay: float = 0.999
    seed: int = 0


def to_unit(pixels: np.ndarray) -> Tensor:
    """uint8 (B, 64, 64, 3) → float (B, 3, 64, 64) in [−1, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then cosine to 1 % of the peak; of the peak, in (0, 1]."""
    ramp = min(1.0, (step + 1) / warmup)
    return ramp * (0.505 + 0.495 * math.cos(math.pi * step / steps))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def batches(
    count: int, batch: int, steps: int, first: int, seed: int
) -> Iterator[tuple[int, Tensor, torch.Generator]]:
    """Yield (step, row numbers (batch,) below `count`, generator) for steps first…steps−1, each a
    function of (seed, step).
    """
    for step in tqdm(range(first, steps), initial=first, total=steps, mininterval=5):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        yield step, torch.randint(count, (batch,), generator=generator), generator
