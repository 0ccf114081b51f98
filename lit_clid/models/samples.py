"""Samples of a model on fixed noise and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lit_clid.models.target import Target
from lit_clid.randomness import noise

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
    target: Target,
    ids: Sequence[str],
    captions: Sequence[str],
    side: int,
    seed: int,
    steps: int = 30,
    guidance: float = 3.0,
) -> Samples:
    """One image for each caption, from noise that depends on (seed, record) alone.

    Args:
        ids, captions: N records.
        side: of the images in pixels.
        seed: of the noise.
        steps, guidance: of the pipeline's own sampler.
    """
    start = noise(seed, ids, "sample", target.latent_shape(torch.zeros(1, 3, side, side)))
    images: list[Image.Image] = []
    for k in range(0, len(captions), BATCH):
        images += target.sample(captions[k : k + BATCH], start[k : k + BATCH], steps, guidance)
    pixels = torch.stack([torch.from_numpy(np.array(image.convert("RGB"))) for image in images])
    return Samples(pixels.permute(0, 3, 1, 2).float() / 255, tuple(captions))
