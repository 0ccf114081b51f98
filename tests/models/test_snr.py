"""Weights of the training loss stay finite where there is no signal, or no noise."""

import pytest
import torch

from lit_clid.models.diffusion import TO_EPS, min_snr_weight


@pytest.mark.parametrize("prediction", sorted(TO_EPS))
def test_the_ends_of_a_schedule_have_finite_weights(prediction: str) -> None:
    """Of a zero-terminal-SNR table, ε-prediction weighed 0 / 0."""
    alpha, sigma = torch.tensor([0.0, 1.0, 0.6]), torch.tensor([1.0, 0.0, 0.8])
    weight = min_snr_weight(alpha, sigma, 5.0, prediction)
    assert bool(torch.isfinite(weight).all())
    assert bool((weight >= 0).all())
