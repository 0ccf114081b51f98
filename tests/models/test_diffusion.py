import pytest
import torch

from lit_clid.models.diffusion import TO_EPS, TRAINING_TARGET, diffuse, min_snr_weight
from lit_clid.models.levels import vp_schedule


def noise_levels(prediction: str, alpha_bar: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """α and σ: variance preserving, α² + σ² = 1; for a flow its own, α + σ = 1."""
    alpha, sigma = vp_schedule(torch.tensor(alpha_bar, dtype=torch.float64))
    if prediction == "flow":
        return alpha / (alpha + sigma), sigma / (alpha + sigma)
    return alpha, sigma


@pytest.mark.parametrize("prediction", sorted(TO_EPS))
def test_a_perfect_network_gives_back_the_noise(prediction: str) -> None:
    z_0, eps = torch.randn(5, 4, 3, 3), torch.randn(5, 4, 3, 3)
    alpha, sigma = (x.float() for x in noise_levels(prediction, [0.999, 0.9, 0.5, 0.1, 0.01]))
    z_t = diffuse(z_0, eps, alpha, sigma)
    output = TRAINING_TARGET[prediction](z_0, eps, alpha, sigma)
    # z_0 → ε divides by σ ≥ 0.03, which amplifies float32 rounding about thirtyfold
    torch.testing.assert_close(
        TO_EPS[prediction](output, z_t, alpha, sigma), eps, rtol=1e-4, atol=1e-4
    )


def test_vp_schedule_preserves_variance() -> None:
    alpha, sigma = vp_schedule(torch.linspace(0.9999, 0.0001, 1000))
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones(1000))


@pytest.mark.parametrize("prediction", sorted(TO_EPS))
def test_min_snr_weighs_the_z_0_error_alike(prediction: str) -> None:
    """For any prediction, weight × its error = min(SNR, γ) × the error of the implied z_0."""
    alpha, sigma = noise_levels(prediction, [0.99, 0.5, 0.05])
    z_0, eps = torch.randn(3, 2, 2, 2), torch.randn(3, 2, 2, 2)
    z_t = diffuse(z_0, eps, alpha, sigma)
    wrong = TRAINING_TARGET[prediction](z_0, eps, alpha, sigma) + 0.1
    implied = (
        z_t - sigma.view(-1, 1, 1, 1) * TO_EPS[prediction](wrong, z_t, alpha, sigma)
    ) / alpha.view(-1, 1, 1, 1)
    in_z_0 = (implied - z_0).square().mean((1, 2, 3)) * ((alpha / sigma) ** 2).clamp(max=5.0)
    weighted = 0.1**2 * min_snr_weight(alpha, sigma, 5.0, prediction)
    torch.testing.assert_close(weighted, in_z_0, rtol=1e-3, atol=1e-5)
