"""The ruler of noise levels: attacks speak of t on Stable Diffusion 1.x's table, for every family.

t ∈ {0, …, 999} names (α_t, σ_t) of z_t = α_t·z_0 + σ_t·ε with α_t² + σ_t² = 1, ᾱ_t = α_t²,
ᾱ_t = Π_{s ≤ t} (1 − β_s) and √β_s even between √0.00085 and √0.012 (Rombach et al. 2022, the
configuration of Stable Diffusion 1.x). What a family calls its own times is its schedule's
business: a question about t means the same signal-to-noise ratio (α_t / σ_t)² everywhere.
"""

import torch
from torch import Tensor

STEPS = 1000
"""Levels on the ruler."""
CPU = torch.device("cpu")


def vp_schedule(alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """α_t and σ_t (T,) in float32 of a variance-preserving table ᾱ (T,), from float64 roots."""
    table = alphas_cumprod.double()
    return table.sqrt().float(), (1 - table).sqrt().float()


def _table() -> Tensor:
    """ᾱ (1000,) float32, in the operations that diffusers' schedulers use, to the last digit."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float32) ** 2
    return torch.cumprod(1.0 - betas, dim=0)


class Levels:
    """α_t and σ_t of a table (T,) each, copied to every device once."""

    def __init__(self, alpha: Tensor, sigma: Tensor) -> None:
        self._on = {CPU: (alpha, sigma)}

    def __len__(self) -> int:
        """T."""
        return len(self._on[CPU][0])

    def at(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Both on a device."""
        if device not in self._on:
            alpha, sigma = self._on[CPU]
            self._on[device] = alpha.to(device), sigma.to(device)
        return self._on[device]


TABLE = _table()
ALPHA, SIGMA = vp_schedule(TABLE)
RULER = Levels(ALPHA, SIGMA)


def alpha_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """α_t and σ_t (B,) float32 at integer t (B,), on the device of `t`."""
    alpha, sigma = RULER.at(t.device)
    return alpha[t], sigma[t]


def as_steps(t: int, like: Tensor) -> Tensor:
    """Repeat the level t for each record of `like` (B, …) → (B,) int64."""
    return torch.full((len(like),), t, dtype=torch.int64, device=like.device)


def log_snr(alpha: Tensor, sigma: Tensor) -> Tensor:
    """log (α/σ)² in float64; +∞ where there is no noise, −∞ where there is nothing else."""
    return 2 * (alpha.double().log() - sigma.double().log())
