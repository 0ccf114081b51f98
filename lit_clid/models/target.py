"""The contract between the wings and any text-to-image diffusion model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.memory import Memory
from lit_clid.models.white_box import WhiteBox


def without_tf32() -> None:
    """Have cards compute in whole float32: TF32 rounds to ten bits, differently for each shape."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


class Target(ABC):
    """A model that answers questions; freezing, precision and memory live in its subclasses.

    Images and noise may lie on any device, what a denoiser is shown lies on the model's, and so do
    answers, in float32 whatever precision its network runs in. t is on the ruler (`levels`).
    """

    source: str
    """Folder or hub id, for messages and notes."""
    device: torch.device
    """Where the model lies."""
    rows: int
    """Most rows one network call may have."""
    shares_texts: bool = False
    """Whether it looks at a text once for all rows of a call that share it, and so is better asked
    about them together: `eps` takes an embedding of U rows then, each of the next B/U of the rest.
    """
    mask_tokens: tuple[str, ...]
    """What stands for a word that is left out, one for each text encoder."""
    fingerprint: str
    """Hash (32 hex digits) of what decides the answers."""
    kin: dict[str, str]
    """What two models must share for their answers to be compared; hashes by name."""
    quantised: bool = False
    """Whether its network's weights are, so that it has a precision of its own."""
    size: int = 0
    """Bytes of its weights."""
    memory: Memory | None = None
    """Of what was encoded; None encodes anew whenever asked."""
    asked_by: str | None
    """How the ruler's t is looked up; None where t is the model's own."""

    @abstractmethod
    def to(self, device: torch.device) -> "Target":
        """Move every part to `device`, in place."""

    def rest(self) -> None:
        """Have encoders leave the device, except while they are asked, as a training may that keeps
        what they say.
        """

    def awake(self) -> AbstractContextManager[None]:
        """Within this, encoders that were asked stay on the device."""
        return nullcontext()

    @abstractmethod
    def side(self, resolution: int | None) -> int:
        """Side of the square images in pixels: `resolution`, or the model's own.

        Raises:
            UserError: if the model takes no such images.
        """

    @abstractmethod
    def overlong(self, captions: Sequence[str]) -> int:
        """How many captions every tokenizer cuts."""

    @abstractmethod
    def sample(
        self, captions: Sequence[str], noise: Tensor, steps: int = 30, guidance: float = 3.0
    ) -> list[Any]:
        """Draw one PIL image per caption from noise (B, C, h, w) with the model's own sampler.

        Args:
            steps: of the sampler.
            guidance: scale of classifier-free guidance.
        """

    @abstractmethod
    def export(self, folder: Path, annotate: Callable[[Path], None] = lambda part: None) -> None:
        """Write a folder that `load_target` loads, whole or not.

        Args:
            folder: must not exist.
            annotate: called with the folder before it gets its name, to add files.
        """

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
