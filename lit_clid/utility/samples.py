"""Samples on fixed noise and captions, and their Fréchet distance to the hold-outs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lit_clid.data import Records
from lit_clid.randomness import noise
from lit_clid.targets.stable_diffusion import StableDiffusion

BATCH = 16


@dataclass(frozen=True)
class Samples:
    """Images drawn for the captions of records, in their order.

    Args:
        images: (N, 3, H, W) in [0, 1].
        captions: N.
    """

    images: Tensor
    captions: tuple[str, ...]

    def sheet(self, count: int) -> Image.Image:
        """The first images side by side."""
        pixels = (self.images[:count] * 255).round().byte().permute(0, 2, 3, 1).numpy()
        return Image.fromarray(np.concatenate(list(pixels), axis=1))


def draw_samples(
    target: StableDiffusion, records: Records, count: int, seed: int, steps: int, guidance: float
) -> Samples:
    """One image for each of the first `count` captions, from noise that depends on (seed, record) alone."""
    rows = range(min(count, len(records)))
    shape = target.latent_shape(torch.zeros(1, 3, records.side, records.side))
    start = noise(seed, [records.entries[row].id for row in rows], "sample", shape)
    captions = tuple(records.captions[row] for row in rows)
    images: list[Image.Image] = []
    for k in range(0, len(captions), BATCH):
        images += target.sample(captions[k : k + BATCH], start[k : k + BATCH], steps, guidance)
    pixels = torch.stack([torch.from_numpy(np.array(image.convert("RGB"))) for image in images])
    return Samples(pixels.permute(0, 3, 1, 2).float() / 255, captions)


def frechet_distance(features: torch.nn.Module | int, real: Iterable[Tensor], made: Tensor) -> float:
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
