"""Targets whose denoiser is known exactly, so that what an attack must find is known too."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lit_clid.auditing.oracle import Records
from lit_clid.models.diffusion import Target, expand
from lit_clid.models.gradients import GradientNorms, gradient_norms

SHAPE = (4, 4, 4)


class Toy(Target):
    """Images are latents; the prior is N(0, 1); captions in `memory` are remembered with their
    exact latent.

    For a remembered caption the denoiser is that of N(x, `spread`²) around the remembered x,
    otherwise the prior's.
    """

    timesteps, end_token, rows = 1000, "<end>", 64

    def __init__(self, memory: Mapping[str, Tensor] | None = None, spread: float = 0.3) -> None:
        self.memory = dict(memory or {})
        self.spread = spread
        self.names = list(self.memory)
        self.calls: list[int] = []
        alphas = torch.linspace(0.9999, 0.005, self.timesteps)
        self._alpha, self._sigma = alphas.sqrt(), (1 - alphas).sqrt()

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return SHAPE

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return images if noise is None else images + 0.1 * noise

    def embed(self, captions: Sequence[str]) -> Tensor:
        known = [self.names.index(c) if c in self.memory else -1 for c in captions]
        return torch.tensor(known, dtype=torch.float32)[:, None, None].expand(-1, 2, 3)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return torch.tensor([[float(len(c)), float(sum(map(ord, c)))] for c in captions])

    def eps(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        self.calls.append(len(z_t))
        known = condition[:, 0, 0].round().long()
        centre, spread = torch.zeros_like(z_t), torch.ones(len(z_t))
        for k, index in enumerate(known.tolist()):
            if 0 <= index < len(self.names):
                centre[k], spread[k] = self.memory[self.names[index]], self.spread
        alpha, sigma = (expand(v, z_t) for v in self.schedule(t))
        variance = expand(spread, z_t) ** 2
        z_0 = centre + variance * alpha / (alpha**2 * variance + sigma**2) * (z_t - alpha * centre)
        return (z_t - alpha * z_0) / sigma

    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self._alpha[t], self._sigma[t]


def toy_records(count: int, seed: int = 0) -> Records:
    """Records of the prior with distinct captions."""
    images = torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))
    return Records(
        tuple(f"r{k}" for k in range(count)),
        images,
        tuple(f"record number {k} of the toy" for k in range(count)),
    )


def part(records: Records, rows: Sequence[int]) -> Records:
    """The given rows of a batch."""
    return Records(
        tuple(records.ids[k] for k in rows),
        records.images[list(rows)],
        tuple(records.captions[k] for k in rows),
    )


class Constant(Toy):
    """Predicts the same ε whatever it is shown."""

    def eps(self, z_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(z_t))
        return torch.linspace(-1, 1, z_t[0].numel()).view(z_t[0].shape).expand_as(z_t)


def leaky() -> tuple[Toy, Records]:
    """A toy that remembers the first half of 80 records."""
    records = toy_records(80)
    return Toy(dict(zip(records.captions[:40], records.images[:40], strict=True))), records


class Linear(Target):
    """ε_θ = W·z, a linear layer: gradients in closed form."""

    timesteps, end_token, rows = 1000, "<end>", 64

    def __init__(self, side: int = 3) -> None:
        torch.manual_seed(0)
        self.network = torch.nn.Linear(side, side)

    def latent_shape(self, images: torch.Tensor) -> tuple[int, int, int]:
        return images.shape[1:]  # type: ignore[return-value]

    def encode(self, images: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        return images

    def embed(self, captions: object) -> torch.Tensor:
        return torch.zeros(len(captions), 1, 1)  # type: ignore[arg-type]

    pooled = embed

    def eps(self, z_t: torch.Tensor, t: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.network(z_t)

    def schedule(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return 1 - t / 2000, t / 2000

    @property
    def refuses_gradients(self) -> str:
        return ""

    def gradient_norms(
        self,
        z_t: torch.Tensor,
        t: torch.Tensor,
        condition: torch.Tensor,
        eps: torch.Tensor,
        steps: int,
    ) -> GradientNorms:
        return gradient_norms(
            self.network, lambda: (self.network(z_t) - eps).square().flatten(1).mean(1), steps
        )


CAPTIONS = (
    "a red critter with two eyes",
    "on green ground",
    "Zürich — 日本 😀",
    "one",
    "a a b a",
    "two eyes on red",
    "x y",
)


def picture_records(count: int = 7) -> Records:
    images = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Records(tuple(f"image-{k}.png" for k in range(count)), images, CAPTIONS[:count])
