"""Losses as sets of signals of their own: a sweep's grid, the held-out loss of utility, a gauge's.

All are −ℓ_{t,draw}(c), for the record's caption and, but for the gauge's, for the empty one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, NULL, Condition
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import STILL, Question, draw_names
from lit_clid.auditing.signals import Signals
from lit_clid.models.target import Target

CONDITIONS: dict[str, Condition] = {"caption": CAPTION, "empty": NULL}
UTILITY = "utility"
"""Name of the held-out loss and of its table: utility_conditional, utility_unconditional."""
GAUGED = "gauge_loss"
"""Name of a gauge's loss."""


@dataclass(frozen=True)
class Grid(Signals):
    """−ℓ for every (t, draw, condition), in columns called `t_draw_condition`.

    The draw without noise is `still`, the first with noise `0`.

    Args:
        t: timesteps.
        draws: of ε at each.
    """

    t: tuple[int, ...] = tuple(range(50, 951, 50))
    draws: int = 3

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    @property
    def cells(self) -> list[tuple[int, str, str]]:
        """(t, draw, condition) of every column."""
        draws = (STILL, *draw_names(self.draws))
        return [(t, draw, name) for t in self.t for draw in draws for name in CONDITIONS]

    def columns(self, target: Target | None = None) -> tuple[str, ...]:
        return tuple(f"{t}_{draw or 0}_{name}" for t, draw, name in self.cells)

    def signal(self, oracle: Oracle) -> Tensor:
        questions = [Question(t, CONDITIONS[name], draw) for t, draw, name in self.cells]
        return -oracle.errors(questions)


@dataclass(frozen=True)
class Denoising(Signals):
    """−ℓ(c) and −ℓ(∅), each the mean over timesteps spread over the ruler and over draws of ε.

    On hold-outs −ℓ(c) is utility, ℓ(∅) − ℓ(c) says how much the caption helps (text alignment),
    and the members' ℓ(c) beside them tells the generalisation gap.

    Args:
        t: timesteps.
        draws: of ε at each.
    """

    t: tuple[int, ...] = (100, 300, 500, 700, 900)
    draws: int = 2

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def columns(self, target: Target) -> tuple[str, ...]:
        return ("conditional", "unconditional")

    def signal(self, oracle: Oracle) -> Tensor:
        losses = [self._loss(oracle, condition) for condition in (CAPTION, NULL)]
        return -torch.stack(losses, dim=1)

    def _loss(self, oracle: Oracle, condition: Condition) -> Tensor:
        draws = draw_names(self.draws)
        questions = [Question(t, condition, draw) for t in self.t for draw in draws]
        return oracle.errors(questions).mean(1)


@dataclass(frozen=True)
class CaptionLoss(Signals):
    """−ℓ(c), the mean over timesteps spread over the ruler, one draw of ε at each."""

    t: tuple[int, ...] = (100, 300, 500, 700, 900)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        return -oracle.errors([Question(t) for t in self.t]).mean(1, keepdim=True)


@dataclass(frozen=True)
class Gauged(Signals):
    """An attack's columns and, last, the records' −ℓ(c).

    Args:
        attack: that is asked.
        loss: beside it.
    """

    attack: Signals
    loss: CaptionLoss = CaptionLoss()

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (*self.attack.timesteps, *self.loss.timesteps)

    def columns(self, target: Target) -> tuple[str, ...]:
        return (*self.attack.columns(target), "loss")

    def signal(self, oracle: Oracle) -> Tensor:
        return torch.cat([self.attack.signal(oracle), self.loss.signal(oracle)], dim=1)
