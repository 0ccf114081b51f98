"""Schedules: which times a network knows, where they lie on the ruler, how it is trained on them.

A network's own *level* is an entry of its table (variance preserving) or s ∈ (0, 1) (rectified
flow). Asked about the ruler's t, a schedule says what the network is shown and told (`Shown`).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lit_clid.errors import UserError
from lit_clid.models.diffusion import TO_EPS
from lit_clid.models.levels import (
    ALPHA,
    CPU,
    SIGMA,
    STEPS,
    Levels,
    alpha_sigma,
    log_snr,
    vp_schedule,
)

FLOWS = ("flow_prediction", None)
"""What solvers call the prediction of a flow."""


@dataclass(frozen=True)
class Shown:
    """How a network is asked about z_t = α_t·z_0 + σ_t·ε at a level of the ruler.

    Args:
        time: (B,) what it is told.
        scale: (B,) by which z_t is multiplied before it is shown; None for one.
        alpha, sigma: (B,) coefficients of what it is shown.
    """

    time: Tensor
    scale: Tensor | None
    alpha: Tensor
    sigma: Tensor


class Schedule(ABC):
    """A family's levels."""

    prediction: str
    """What the network gives, a key of `diffusion.TO_EPS`."""
    facts: tuple[str, ...]
    """By which two schedules are told apart, for hashes."""
    table: str
    """The levels alone: where they agree, answers compare."""
    asked_by: str | None = "signal-to-noise ratio"
    """How the ruler's t is looked up; None where t is the network's own time."""

    @abstractmethod
    def shown(self, t: Tensor) -> Shown:
        """How the network is asked at the ruler's t (B,) int64."""

    @abstractmethod
    def draw(self, count: int, dice: torch.Generator) -> Tensor:
        """Own levels (count,) as the family is trained on them, on the CPU."""

    @abstractmethod
    def coefficients(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """α and σ (B,) at own levels (B,)."""

    @abstractmethod
    def time(self, level: Tensor) -> Tensor:
        """What the network is told at own levels (B,)."""


class VariancePreserving(Schedule):
    """A table of T levels with α² + σ² = 1, asked at the one nearest in signal-to-noise ratio.

    Times between the entries were never trained on. Of Stable Diffusion 1.x's own table the
    nearest entry to t is t.

    Args:
        alphas_cumprod: ᾱ (T,).
        prediction: what the network gives.
    """

    def __init__(self, alphas_cumprod: Tensor, prediction: str) -> None:
        self.prediction, self.table = prediction, str(alphas_cumprod.tolist())
        self.facts = (prediction, self.table)
        self._levels = Levels(*vp_schedule(alphas_cumprod))
        own, ruler = log_snr(*self._levels.at(CPU)), log_snr(ALPHA, SIGMA)
        self.nearest = (ruler[:, None] - own[None]).abs().argmin(1)
        if torch.equal(self.nearest, torch.arange(STEPS)) and len(alphas_cumprod) == STEPS:
            self.asked_by = None

    def shown(self, t: Tensor) -> Shown:
        self.nearest = self.nearest.to(t.device)  # stays there: a copy would hold up a card
        return Shown(self.nearest[t], None, *alpha_sigma(t))

    def draw(self, count: int, dice: torch.Generator) -> Tensor:
        return torch.randint(len(self._levels), (count,), generator=dice)

    def coefficients(self, level: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = self._levels.at(level.device)
        return alpha[level], sigma[level]

    def time(self, level: Tensor) -> Tensor:
        return level


class RectifiedFlow(Schedule):
    """z_s = (1 − s)·z_0 + s·ε with s ∈ (0, 1); the network is told s · T and gives u = ε − z_0.

    z_t of the ruler has the signal-to-noise ratio of s = σ_t / (α_t + σ_t), and z_s is
    z_t / (α_t + σ_t). Training draws s from a logit-normal, shifted (Esser et al. 2024, "Scaling
    rectified flow transformers", sec. 3.1 and eq. 23).

    Args:
        steps: T.
        shift: of the drawn levels, s → shift·s / (1 + (shift − 1)·s).
    """

    prediction = "flow"

    def __init__(self, steps: int, shift: float) -> None:
        self.steps, self.shift = steps, shift
        self.facts, self.table = (self.prediction, str((steps, shift))), str(steps)

    def shown(self, t: Tensor) -> Shown:
        alpha_t, sigma_t = alpha_sigma(t)
        scale = 1 / (alpha_t + sigma_t)
        s = sigma_t * scale
        return Shown(self.time(s), scale, alpha_t * scale, s)

    def draw(self, count: int, dice: torch.Generator) -> Tensor:
        s = torch.randn(count, generator=dice).sigmoid()
        return self.shift * s / (1 + (self.shift - 1) * s)

    def coefficients(self, level: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - level, level

    def time(self, level: Tensor) -> Tensor:
        return level * self.steps


def variance_preserving(scheduler: Any) -> VariancePreserving:
    """The schedule that a diffusers scheduler with a table of ᾱ stands for.

    Raises:
        UserError: if it has none, or predicts something unknown.
    """
    prediction: str = scheduler.config.get("prediction_type", "epsilon")
    known = prediction in TO_EPS and prediction != RectifiedFlow.prediction
    if not known or not hasattr(scheduler, "alphas_cumprod"):
        name = type(scheduler).__name__
        raise UserError(
            f"scheduler {name} is not variance preserving with a known prediction; give the "
            "pipeline's own, such as DDIMScheduler"
        )
    return VariancePreserving(scheduler.alphas_cumprod, prediction)


def rectified_flow(scheduler: Any) -> RectifiedFlow:
    """The schedule that a flow-matching scheduler of diffusers, or a solver that follows a flow,
    stands for.

    A shift that depends on the resolution is one of sampling alone: levels are drawn unshifted.

    Raises:
        UserError: for a scheduler of another kind.
    """
    config = scheduler.config
    shift = config.get("shift")
    if hasattr(scheduler, "alphas_cumprod"):  # a solver's table, which it leaves aside for a flow
        follows = config.get("use_flow_sigmas") and config.get("prediction_type") in FLOWS
        shift = config.get("flow_shift") if follows else None
    if shift is None:
        name = type(scheduler).__name__
        raise UserError(
            f"scheduler {name} is not one of a rectified flow; give the pipeline's own, such as "
            "FlowMatchEulerDiscreteScheduler"
        )
    fixed = 1.0 if config.get("use_dynamic_shifting") else float(shift)
    return RectifiedFlow(config.get("num_train_timesteps"), fixed)
