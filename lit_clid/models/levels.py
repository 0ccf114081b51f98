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


def vp_schedule(alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """α_t and σ_t (T,) in float32 of a variance-preserving table ᾱ (T,), from float64 roots."""
    table = alphas_cumprod.double()
    return table.sqrt().float(), (1 - table).sqrt().float()


def _table() -> Tensor:
    """ᾱ (1000,) float32, in the operations that diffusers' schedulers use, to the last digit."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float32) ** 2
    return torch.cumprod(1.0 - betas, dim=0)


TABLE = _table()
ALPHA, SIGMA = vp_schedule(TABLE)


def alpha_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """α_t and σ_t (B,) float32 at integer t (B,), on the device of `t`."""
    return ALPHA.to(t.device)[t], SIGMA.to(t.device)[t]


def as_steps(t: int, like: Tensor) -> Tensor:
    """Repeat the level t for each record of `like` (B, …) → (B,) int64."""
    return torch.full((len(like),), t, dtype=torch.int64, device=like.device)


def log_snr(alpha: Tensor, sigma: Tensor) -> Tensor:
    """log (α/σ)² in float64; +∞ where there is no noise, −∞ where there is nothing else."""
    return 2 * (alpha.double().log() - sigma.double().log())
