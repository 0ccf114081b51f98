"""One model written down twice: as a variance-preserving one, and as a rectified flow."""

from typing import Any

import torch
from torch import Tensor

from lit_clid.models.denoiser import Denoiser
from lit_clid.models.diffusion import expand
from lit_clid.models.embedding import Embedding
from lit_clid.models.levels import STEPS, TABLE, alpha_sigma
from lit_clid.models.schedules import RectifiedFlow, Schedule, VariancePreserving

ALL = torch.arange(STEPS)


def as_table(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """Some ε_θ(z_t, t, c)."""
    told = embedding["tokens"].mean((1, 2))
    return torch.tanh(0.3 * z + expand(time.float() / STEPS, z) + expand(told, z))


def as_flow(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The same model's u = ε − z_0 at s = time / 1000, for what it is shown as a flow."""
    s = time / 1000
    alpha, sigma = alpha_sigma(ALL)
    t = (s[:, None] - (sigma / (alpha + sigma))[None]).abs().argmin(1)
    eps = as_table(network, z * expand((alpha + sigma)[t], z), t, embedding)
    return (eps - z) / expand(1 - s, z)


def denoiser(call: Any, schedule: Schedule) -> Denoiser:
    network = torch.nn.Linear(1, 1)
    return Denoiser(
        network, call, schedule, precision="32", channels_last=False, compile=False, rows=64
    )


def test_a_model_answers_the_same_at_every_level_however_it_is_written_down() -> None:
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(STEPS, 2, 3, 3, generator=dice)
    told = Embedding({"tokens": torch.randn(STEPS, 2, 4, generator=dice)})
    table = denoiser(as_table, VariancePreserving(TABLE, "epsilon")).eps(z, ALL, told)
    flow = denoiser(as_flow, RectifiedFlow(1000, shift=3.0)).eps(z, ALL, told)
    torch.testing.assert_close(flow, table, rtol=1e-5, atol=1e-4)
    assert not torch.allclose(table[:-1], table[1:])
