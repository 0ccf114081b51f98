"""Diffusion arithmetic: z_t = α_t·z_0 + σ_t·ε, and conversions of a network's output to ε.

Every network output is converted to ε here and nowhere else. Shapes: z (B, C, h, w); α, σ (B,).

| prediction | the network is trained to give | ε from its output |
|---|---|---|
| `epsilon` | ε | itself |
| `v_prediction` | v = α_t·ε − σ_t·z_0 (Salimans & Ho 2022, app. D) | α_t·v + σ_t·z_t |
| `sample` | z_0 | (z_t − α_t·z_0) / σ_t |
| `flow` | u = ε − z_0 (Liu et al. 2023; α_t = 1 − σ_t) | z_t + α_t·u |
"""

from collections.abc import Callable

from torch import Tensor


def expand(coefficient: Tensor, like: Tensor) -> Tensor:
    """View `coefficient` (B,) as (B, 1, …, 1) so that it multiplies `like` (B, …)."""
    return coefficient.view(-1, *[1] * (like.dim() - 1))


def diffuse(z_0: Tensor, eps: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """Noise a latent: z_t = α_t·z_0 + σ_t·ε."""
    return expand(alpha_t, z_0) * z_0 + expand(sigma_t, z_0) * eps


def ddim_step(
    z: Tensor, eps: Tensor, start: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor]
) -> Tensor:
    """Φ_{a→b}(z) = α_b·(z − σ_a·ε)/α_a + σ_b·ε, `start` = (α_a, σ_a), `end` = (α_b, σ_b).

    ε = ε_θ(z, a, c). Song et al. 2021, "Denoising diffusion implicit models", eq. 13; exact
    inversion and sampling alike.
    """
    z_0 = (z - expand(start[1], z) * eps) / expand(start[0], z)
    return diffuse(z_0, eps, *end)


def velocity(z_0: Tensor, eps: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """v = α_t·ε − σ_t·z_0."""
    return expand(alpha_t, z_0) * eps - expand(sigma_t, z_0) * z_0


def velocity_to_eps(v: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """ε = α_t·v + σ_t·z_t, exact when α_t² + σ_t² = 1."""
    return expand(alpha_t, z_t) * v + expand(sigma_t, z_t) * z_t


def flow_to_eps(u: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """ε = z_t + α_t·u, exact when α_t + σ_t = 1."""
    return z_t + expand(alpha_t, z_t) * u


def sample_to_eps(z_0: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    """ε = (z_t − α_t·z_0) / σ_t; there must be noise."""
    return (z_t - expand(alpha_t, z_t) * z_0) / expand(sigma_t, z_t)


def _eps_to_eps(eps: Tensor, z_t: Tensor, alpha_t: Tensor, sigma_t: Tensor) -> Tensor:
    return eps


Conversion = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
TO_EPS: dict[str, Conversion] = {
    "epsilon": _eps_to_eps,
    "v_prediction": velocity_to_eps,
    "sample": sample_to_eps,
    "flow": flow_to_eps,
}
"""(network output, z_t, α_t, σ_t) → ε, by prediction."""
TRAINING_TARGET: dict[str, Conversion] = {
    "epsilon": lambda z_0, eps, alpha_t, sigma_t: eps,
    "v_prediction": velocity,
    "sample": lambda z_0, eps, alpha_t, sigma_t: z_0,
    "flow": lambda z_0, eps, alpha_t, sigma_t: eps - z_0,
}
"""(z_0, ε, α_t, σ_t) → what the network is trained to output."""


def min_snr_weight(alpha_t: Tensor, sigma_t: Tensor, gamma: float, prediction: str) -> Tensor:
    """Weight (B,) of the training loss, min(SNR, γ) in z_0-space; finite at α_t = 0 and σ_t = 0.

    An error of the output is σ/α, σ, 1 or σ times as large in z_0, for ε, v, z_0 and flow. Hang et
    al. 2023, "Efficient diffusion training via min-SNR weighting strategy", sec. 3.4.
    """
    return MIN_SNR[prediction]((alpha_t / sigma_t) ** 2, sigma_t, gamma)


MIN_SNR: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "epsilon": lambda snr, sigma_t, gamma: (snr.clamp(max=gamma) / snr).nan_to_num(1.0),  # 0 / 0
    "v_prediction": lambda snr, sigma_t, gamma: snr.clamp(max=gamma) / (snr + 1),
    "sample": lambda snr, sigma_t, gamma: snr.clamp(max=gamma),
    "flow": lambda snr, sigma_t, gamma: snr.clamp(max=gamma) * sigma_t**2,
}
"""(SNR, σ_t, γ) → weight, by prediction."""


def mean_square(error: Tensor) -> Tensor:
    """Mean over all but the first dimension of error² (B, …) → (B,) in float32."""
    return error.float().square().flatten(1).mean(1)


def power_sum(x: Tensor, p: float) -> Tensor:
    """‖x‖_p^p over all but the first dimension: (B, …) → (B,) in float32."""
    return x.float().abs().pow(p).flatten(1).sum(1)
