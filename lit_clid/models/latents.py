"""Latents: z_0 = scaling·(VAE latent − shift)."""

from typing import Any

import torch
from torch import Tensor


class KLLatents:
    """A KL-regularised autoencoder, frozen.

    Args:
        vae: of diffusers.
        downsampling: image pixels per latent, along a side.
    """

    def __init__(self, vae: Any, downsampling: int) -> None:
        self.vae, self.downsampling = vae, downsampling
        self._scaling: float = vae.config.scaling_factor
        self._shift: float = vae.config.get("shift_factor") or 0.0

    @property
    def facts(self) -> str:
        """The two constants as the autoencoder's config has them, for hashes."""
        return str((self.vae.config.scaling_factor, self.vae.config.get("shift_factor")))

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """(C, h, w) of the latents of images (B, 3, H, W)."""
        height, width = (side // self.downsampling for side in images.shape[-2:])
        return self.vae.config.latent_channels, height, width

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (B, 3, H, W) in [−1, 1] → z_0 (B, C, h, w).

        Args:
            noise: (B, C, h, w), standard normal, to sample the posterior; None takes its mean.
        """
        posterior = self.vae.encode(images).latent_dist
        latent = posterior.mean if noise is None else posterior.mean + posterior.std * noise
        return (latent - self._shift) * self._scaling
