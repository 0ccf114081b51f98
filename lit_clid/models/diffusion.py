"""Diffusion arithmetic: z_t = α_t·z_0 + σ_t·ε, conversions to an ε-estimate, and the abstract
`Target`.

Every network output is converted to ε here and nowhere else. Shapes: z (B, C, H, W); α, σ, t (B,).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lit_clid.models.gradients import GradientNorms


def expand(coefficient: Tensor, like: Tensor) -> Tensor:
    """View `coefficient` (B,) as (B, 1, …, 1) so that it multiplies `like` (B, …)."""
    return coefficient.view(-1, *[1] * (like.dim() - 1))


def diffuse(z_0: Tensor, eps: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """Noise a latent: z_t = α_t·z_0 + σ_t·ε."""
    return expand(alpha_t, z_0) * z_0 + expand(sigma_t, z_0) * eps


def ddim_step(
    z: Tensor, eps: Tensor, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor]
) -> Tensor:
    """Φ_{a→b}(z) = α_b·(z − σ_a·ε)/α_a + σ_b·ε for ε = ε_θ(z, a, c), `start` = (α_a, σ_a), `end` =
    (α_b, σ_b).

    Song et al. 2021, "Denoising diffusion implicit models", eq. 13; exact inversion and sampling
    alike.
    """
    z_0 = (z - expand(start[1], z) * eps) / expand(start[0], z)
    return diffuse(z_0, eps, *end)


def velocity(z_0: Tensor, eps: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """Training target of v-prediction, v = α_t·ε − σ_t·z_0 (Salimans & Ho 2022, app. D)."""
    return expand(alpha_t, z_0) * eps - expand(sigma_t, z_0) * z_0


def velocity_to_eps(v: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """ε = α_t·v + σ_t·z_t, exact when α_t² + σ_t² = 1."""
    return expand(alpha_t, z_t) * v + expand(sigma_t, z_t) * z_t


def _eps_to_eps(eps: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    return eps


def _sample_to_eps(z_0: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    return (z_t - expand(alpha_t, z_t) * z_0) / expand(sigma_t, z_t)


TO_EPS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "epsilon": _eps_to_eps,
    "v_prediction": velocity_to_eps,
    "sample": _sample_to_eps,
}
"""Network output → ε, by the scheduler's `prediction_type`."""
TRAINING_TARGET: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "epsilon": lambda z_0, eps, alpha_t, sigma_t: eps,
    "v_prediction": velocity,
    "sample": lambda z_0, eps, alpha_t, sigma_t: z_0,
}
"""(z_0, ε, α_t, σ_t) → what the network is trained to output."""


def min_snr_weight(alpha_t: Tensor, sigma_t: Tensor, gamma: float, prediction: str) -> Tensor:
    """Weight (B,) of the training loss: min(SNR, γ) in z_0-space, divided by SNR for ε, by SNR + 1
    for v.

    Hang et al. 2023, "Efficient diffusion training via min-SNR weighting strategy", sec. 3.4.
    """
    snr = (alpha_t / sigma_t) ** 2
    capped = snr.clamp(max=gamma)
    return {"epsilon": capped / snr, "v_prediction": capped / (snr + 1), "sample": capped}[
        prediction
    ]


def vp_schedule(alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """α_t and σ_t (T,) in float32 of a variance-preserving table ᾱ (T,); the roots are taken in
    float64.
    """
    table = alphas_cumprod.double()
    return table.sqrt().float(), (1 - table).sqrt().float()


class Target(ABC):
    """A text-to-image diffusion model that answers questions; freezing, dtype and memory live in
    its subclasses.

    Inputs may lie on any device; answers lie on the model's device, in float32 whatever precision
    the network runs in.
    """

    timesteps: int
    end_token: str
    rows: int
    """Most rows one network call may have."""

    @abstractmethod
    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        """(C, h, w) of the latents of images (B, 3, H, W)."""

    @abstractmethod
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Images (B, 3, H, W) in [−1, 1] → latents z_0 (B, C, h, w): the posterior's mean, or
        mean + std·noise.
        """

    @abstractmethod
    def embed(self, captions: Sequence[str]) -> Tensor:
        """Captions → text embeddings (B, L, D)."""

    @abstractmethod
    def pooled(self, captions: Sequence[str]) -> Tensor:
        """Captions → one vector each (B, D), computed in one pass."""

    @abstractmethod
    def eps(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """ε-estimate (B, C, h, w) for z_t at integer t (B,) under text embeddings (B, L, D)."""

    @abstractmethod
    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α_t, σ_t (B,) at integer t (B,)."""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The P parameter tensors of the denoiser, in the order of `gradient_norms`; none if
        they are out of reach.
        """
        return ()

    @property
    def refuses_gradients(self) -> str:
        """Why `gradient_norms` cannot be asked; empty if it can."""
        return "its weights are out of reach"

    def gradient_norms(
        self, z_t: Tensor, t: Tensor, condition: Tensor, eps: Tensor, steps: int
    ) -> GradientNorms:
        """Norms of the gradients of ‖ε_θ(z_t, t, c) − ε‖² for B·steps rows, ordered record by
        record.
        """
        raise NotImplementedError(self.refuses_gradients)


def mean_square(error: Tensor) -> Tensor:
    """Mean over all but the first dimension of error² (B, …) → (B,) in float32."""
    return error.float().square().flatten(1).mean(1)


def power_sum(x: Tensor, p: float) -> Tensor:
    """‖x‖_p^p over all but the first dimension: (B, …) → (B,) in float32."""
    return x.float().abs().pow(p).flatten(1).sum(1)


def as_steps(t: int, like: Tensor) -> Tensor:
    """Repeat the timestep t for each record of `like` (B, …) → (B,) int64."""
    return torch.full((len(like),), t, dtype=torch.int64, device=like.device)
