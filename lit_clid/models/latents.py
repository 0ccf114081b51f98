"""Latents: what an image is to the denoiser.

| space | z_0 |
|---|---|
| KL-VAE | scaling · (latent − shift) |
| KL-VAE whose latents are normalised channel by channel | (latent − mean) / deviation |
| patches of 2 × 2 latents of a KL-VAE as channels | (patch − mean) / √(variance + ε) |
| deep compression autoencoder | scaling · latent |
| pixels | the image |
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

PIXELS = 2**22
"""Most pixels that are encoded together: those of 16 images of 512 × 512."""


class Latents(ABC):
    """The space that a family denoises in.

    Args:
        networks: that images pass through, frozen.
        channels: C.
        downsampling: image pixels per latent, along a side.
        facts: the space's constants, for hashes.
    """

    remembers: ClassVar[bool] = False
    """Whether the networks keep something on themselves while they encode: one call at a time."""

    def __init__(
        self, networks: tuple[Any, ...], channels: int, downsampling: int, facts: str
    ) -> None:
        self.networks, self.channels = networks, channels
        self.downsampling, self.facts = downsampling, facts

    def together(self, height: int, width: int) -> int:
        """How many images of this size in pixels are encoded together; never changes a latent."""
        return max(1, PIXELS // (height * width))

    def shape(self, images: Tensor) -> tuple[int, int, int]:
        """(C, h, w) of the latents of images (B, 3, H, W)."""
        height, width = (side // self.downsampling for side in images.shape[-2:])
        return self.channels, height, width

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
        channels: int = self.vae.config.latent_channels
        factor: int = pipeline.vae_scale_factor
        super().__init__((self.vae,), channels, factor, str((scaling, shift)))
        self._scaling: float = scaling
        self._shift: float = shift or 0.0

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        posterior = self.vae.encode(images).latent_dist
        latent = posterior.mean if noise is None else posterior.mean + posterior.std * noise
        return (latent - self._shift) * self._scaling


class ChannelLatents(Latents):
    """Those of a KL-VAE for images and videos, each channel by its own mean and deviation."""

    remembers: ClassVar[bool] = True  # the frames before, of a video

    def __init__(self, pipeline: Any) -> None:
        self.vae = pipeline.vae
        mean, std = self.vae.config.latents_mean, self.vae.config.latents_std
        channels: int = self.vae.config.z_dim
        factor: int = pipeline.vae_scale_factor
        super().__init__((self.vae,), channels, factor, str((mean, std)))
        self._mean, self._std = (torch.tensor(each).view(1, -1, 1, 1, 1) for each in (mean, std))

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        posterior = self.vae.encode(images[:, :, None]).latent_dist  # a video of one frame
        latent = posterior.mean
        if noise is not None:
            latent = latent + posterior.std * noise[:, :, None]
        return ((latent - self._mean.to(latent)) / self._std.to(latent))[:, :, 0]


class PatchLatents(Latents):
    """Those of a KL-VAE, 2 × 2 of them as the channels of one, normalised by running moments."""

    def __init__(self, pipeline: Any) -> None:
        self.vae = pipeline.vae
        channels, factor = 4 * self.vae.config.latent_channels, 2 * pipeline.vae_scale_factor
        super().__init__((self.vae,), channels, factor, "patches of 2")

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        posterior = self.vae.encode(images).latent_dist
        latent = pixel_unshuffle(posterior.mean, 2)
        if noise is not None:
            latent = latent + pixel_unshuffle(posterior.std, 2) * noise
        norm = self.vae.bn
        spread = (norm.running_var + self.vae.config.batch_norm_eps).sqrt()
        return (latent - norm.running_mean.view(1, -1, 1, 1)) / spread.view(1, -1, 1, 1)


class CompressedLatents(Latents):
    """Those of a deep compression autoencoder, which has one latent for an image, no posterior."""

    def __init__(self, pipeline: Any) -> None:
        self.vae = pipeline.vae
        self._scaling: float = self.vae.config.scaling_factor
        channels: int = self.vae.config.latent_channels
        factor: int = pipeline.vae_scale_factor
        super().__init__((self.vae,), channels, factor, str(self._scaling))

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        latent: Tensor = self.vae.encode(images).latent
        return latent * self._scaling


class Pixels(Latents):
    """The images themselves."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__((), 3, 1, "pixels")

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return images
