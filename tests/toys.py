"""Targets whose denoiser is known exactly, so that what an attack must find is known too."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lit_clid.auditing.questions import Batch
from lit_clid.models.diffusion import expand
from lit_clid.models.embedding import Embedding
from lit_clid.models.gradients import GradientNorms, gradient_norms, parameter_names
from lit_clid.models.levels import alpha_sigma
from lit_clid.models.target import Target
from lit_clid.models.white_box import WhiteBox

SHAPE = (4, 4, 4)


class Bare(Target):
    """What a target has beside its answers, as little as can be."""

    source, device, fingerprint, kin = "toy", torch.device("cpu"), "toy", {}
    rows, mask_tokens, asked_by = 64, ("<end>",), None

    def to(self, device: torch.device) -> "Bare":
        return self

    def side(self, resolution: int | None) -> int:
        return resolution or SHAPE[1]

    def overlong(self, captions: Sequence[str]) -> int:
        return 0

    def sample(self, *_: Any, **__: Any) -> list[Any]:
        raise NotImplementedError

    def export(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError


class Toy(Bare):
    """Images are latents, the prior is N(0, 1); captions in `memory` keep their exact latent.

    For a remembered caption the denoiser is that of N(x, `spread`²) around the remembered x,
    otherwise the prior's.
    """

    def __init__(self, memory: Mapping[str, Tensor] | None = None, spread: float = 0.3) -> None:
        self.remembered = dict(memory or {})
        self.spread = spread
        self.names = list(self.remembered)
        self.calls: list[int] = []

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return SHAPE

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return images if noise is None else images + 0.1 * noise

    def embed(self, *wordings: Sequence[str]) -> Embedding:
        known = [self.names.index(c) if c in self.remembered else -1 for c in wordings[0]]
        tokens = torch.tensor(known, dtype=torch.float32)[:, None, None].expand(-1, 2, 3)
        return Embedding({"tokens": tokens})

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return torch.tensor([[float(len(c)), float(sum(map(ord, c)))] for c in captions])

    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        self.calls.append(len(z_t))
        known = embedding["tokens"][:, 0, 0].round().long()
        centre, spread = torch.zeros_like(z_t), torch.ones(len(z_t))
        for k, index in enumerate(known.tolist()):
            if 0 <= index < len(self.names):
                centre[k], spread[k] = self.remembered[self.names[index]], self.spread
        alpha, sigma = (expand(v, z_t) for v in alpha_sigma(t))
        variance = expand(spread, z_t) ** 2
        z_0 = centre + variance * alpha / (alpha**2 * variance + sigma**2) * (z_t - alpha * centre)
        return (z_t - alpha * z_0) / sigma


def toy_records(count: int, seed: int = 0) -> Batch:
    """Batch of the prior with distinct captions."""
    images = torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))
    return Batch(
        tuple(f"r{k}" for k in range(count)),
        images,
        tuple(f"record number {k} of the toy" for k in range(count)),
    )


def part(records: Batch, rows: Sequence[int]) -> Batch:
    """The given rows of a batch."""
    return Batch(
        tuple(records.ids[k] for k in rows),
        records.images[list(rows)],
        tuple(records.captions[k] for k in rows),
    )


class Constant(Toy):
    """Predicts the same ε whatever it is shown."""

    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        self.calls.append(len(z_t))
        return torch.linspace(-1, 1, z_t[0].numel()).view(z_t[0].shape).expand_as(z_t)


def leaky() -> tuple[Toy, Batch]:
    """A toy that remembers the first half of 80 records."""
    records = toy_records(80)
    return Toy(dict(zip(records.captions[:40], records.images[:40], strict=True))), records


class Linear(Bare):
    """ε_θ = W·z, a linear layer: gradients in closed form."""

    def __init__(self, side: int = 3) -> None:
        torch.manual_seed(0)
        self.network = torch.nn.Linear(side, side)

    def latent_shape(self, images: torch.Tensor) -> tuple[int, int, int]:
        return images.shape[1:]  # type: ignore[return-value]

    def encode(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        return images

    def embed(self, *wordings: Sequence[str]) -> Embedding:
        return Embedding({"tokens": torch.zeros(len(wordings[0]), 1, 1)})

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return torch.zeros(len(captions), 1)

    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        return self.network(z_t)

    def white_box(self) -> WhiteBox:
        return LinearGradients(self.network)


class LinearGradients(WhiteBox):
    """Those of ‖W·z + b − ε‖²."""

    def __init__(self, network: torch.nn.Linear) -> None:
        self.network = network

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return parameter_names(self.network)

    def norms(
        self, z_t: Tensor, t: Tensor, embedding: Embedding, eps: Tensor, steps: int
    ) -> GradientNorms:
        def losses() -> Tensor:
            return (self.network(z_t) - eps).square().flatten(1).mean(1)

        return gradient_norms(self.network, losses, len(z_t), steps)


CAPTIONS = (
    "a red critter with two eyes",
    "on green ground",
    "Zürich — 日本 😀",
    "one",
    "a a b a",
    "two eyes on red",
    "x y",
)


def picture_records(count: int = 7) -> Batch:
    images = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Batch(tuple(f"image-{k}.png" for k in range(count)), images, CAPTIONS[:count])
