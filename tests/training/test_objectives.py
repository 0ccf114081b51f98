"""Objectives against closed forms, on a denoiser whose residual is known."""

from typing import Any

import pytest
import torch

from lit_clid.models.denoiser import Denoiser
from lit_clid.models.embedding import Embedding
from lit_clid.models.levels import TABLE
from lit_clid.models.schedules import RectifiedFlow, Schedule, VariancePreserving
from lit_clid.training.objectives import Drawn, Plain, throw


class Scaled(torch.nn.Module):
    """Answers w · z, whatever it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.w * z


def denoiser(schedule: Schedule) -> Denoiser:
    def call(network: Any, z: torch.Tensor, time: torch.Tensor, told: Embedding) -> torch.Tensor:
        return network(z)

    ask = {"precision": "32", "channels_last": False, "compile": False, "rows": 8}
    return Denoiser(Scaled(), call, schedule, **ask)


def batch(schedule: Schedule, rows: int = 6) -> Drawn:
    dice = torch.Generator().manual_seed(0)
    z_0 = torch.randn(rows, 2, 3, 3, generator=dice)
    return throw(denoiser(schedule), z_0, Embedding({"tokens": torch.zeros(rows, 1, 1)}), dice)


@pytest.mark.parametrize(
    "schedule", [VariancePreserving(TABLE, "epsilon"), RectifiedFlow(1000, 3.0)], ids=["vp", "flow"]
)
def test_the_residual_is_output_minus_target(schedule: Schedule) -> None:
    given = batch(schedule)
    alpha, sigma = (x.view(-1, 1, 1, 1) for x in schedule.coefficients(given.level))
    z = alpha * given.z_0 + sigma * given.eps
    target = given.eps if schedule.prediction == "epsilon" else given.eps - given.z_0
    found = Plain(denoiser(schedule), None).residuals(given)
    torch.testing.assert_close(found, 0.5 * z - target)
    assert found.requires_grad


@pytest.mark.parametrize("gamma", [None, 5.0])
def test_losses_are_weighed_by_level(gamma: float | None) -> None:
    schedule = VariancePreserving(TABLE, "epsilon")
    given, objective = batch(schedule), Plain(denoiser(schedule), gamma)
    residuals = objective.residuals(given)
    alpha, sigma = schedule.coefficients(given.level)
    weight = torch.ones(6) if gamma is None else (gamma * sigma**2 / alpha**2).clamp(max=1)
    expected = weight * residuals.square().mean((1, 2, 3))
    torch.testing.assert_close(objective.losses(residuals, given.level), expected)


def test_parts_are_the_whole() -> None:
    given = batch(VariancePreserving(TABLE, "epsilon"))
    parts = given.split(4)
    assert [part.rows for part in parts] == [4, 2]
    assert torch.equal(torch.cat([part.eps for part in parts]), given.eps)
    assert torch.equal(parts[1].level, given.level[4:])
