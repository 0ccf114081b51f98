"""The contract between the wings and any text-to-image diffusion model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.white_box import WhiteBox


class Target(ABC):
    """A model that answers questions; freezing, precision and memory live in its subclasses.

    Inputs may lie on any device; answers lie on the model's, in float32 whatever precision its
    network runs in. t is on the ruler (`levels`).
    """

    rows: int
    """Most rows one network call may have."""
    mask_tokens: tuple[str, ...]
    """What stands for a word that is left out, one for each text encoder."""

    @abstractmethod
    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        """(C, h, w) of the latents of images (B, 3, H, W)."""

    @abstractmethod
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (B, 3, H, W) in [−1, 1] → latents z_0 (B, C, h, w).

        Args:
            noise: (B, C, h, w), standard normal, to sample the posterior; None takes its mean.
        """

    @abstractmethod
    def embed(self, *wordings: Sequence[str]) -> Embedding:
        """B captions → their embedding.

        Args:
            wordings: B texts for all encoders, or B for each of them where they differ.
        """

    @abstractmethod
    def pooled(self, captions: Sequence[str]) -> Tensor:
        """Captions → one vector each (B, D), computed in one pass."""

    @abstractmethod
    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        """ε-estimate (B, C, h, w) for z_t = α_t·z_0 + σ_t·ε at integer t (B,)."""

    def white_box(self) -> WhiteBox:
        """Access to gradients.

        Raises:
            ValueError: why there is none.
        """
        raise ValueError("its weights are out of reach")
