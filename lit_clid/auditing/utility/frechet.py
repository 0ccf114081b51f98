"""The Fréchet distance of samples to real images."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

BATCH = 16


def frechet_distance(
    features: torch.nn.Module | int, real: Iterable[Tensor], made: Tensor
) -> float:
    """Fréchet distance (Heusel et al. 2017) by torchmetrics between images in [0, 1].

    Args:
        features: an extractor, or the number of Inception's features.
        real: batches (B, 3, H, W) of real images.
        made: (N, 3, H, W).
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    options: Any = {"normalize": True, "sync_on_compute": False}
    metric = FrechetInceptionDistance(feature=features, **options).to(made.device)
    for batch in real:
        metric.update(batch.to(made.device), real=True)
    for k in range(0, len(made), BATCH):
        metric.update(made[k : k + BATCH], real=False)
    return float(metric.compute())
