"""Latents: what an image is to the denoiser, z_0 = scaling·(VAE latent − shift) for a KL-VAE."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor


class Latents(ABC):
    """The space that a family denoises in.

    Args:
        networks: that images pass through, frozen.
        downsampling: image pixels per latent, along a side.
        facts: the space's constants, for hashes.
    """

    def __init__(self, networks: tuple[Any, ...], downsampling: int, facts: str) -> None:
        self.networks, self.downsampling, self.facts = networks, downsampling, facts

    @abstractmethod
    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """(C, h, w) of the latents of images (B, 3, H, W)."""

    @abstractmethod
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (B, 3, H, W) in [−1, 1] → z_0 (B, C, h, w).

        Args:
            noise: (B, C, h, w), standard normal, to sample the posterior; None takes its mean.
        """


class KLLatents(Latents):
    """Those of a pipeline's KL-regularised autoencoder."""

    def __init__(self, pipeline: Any) -> None:
        self.vae = pipeline.vae
        scaling, shift = self.vae.config.scaling_factor, self.vae.config.get("shift_factor")
        super().__init__((self.vae,), pipeline.vae_scale_factor, str((scaling, shift)))
        self._scaling: float = scaling
        self._shift: float = shift or 0.0

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        height, width = (side // self.downsampling for side in images.shape[-2:])
        return self.vae.config.latent_channels, height, width

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        posterior = self.vae.encode(images).latent_dist
        latent = posterior.mean if noise is None else posterior.mean + posterior.std * noise
        return (latent - self._shift) * self._scaling
