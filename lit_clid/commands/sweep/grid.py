"""The questions of a sweep: the loss at every timestep and draw, under the caption and under the
empty one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.attacks.attack import check_timesteps
from lit_clid.auditing.conditions import CAPTION, NULL, Condition
from lit_clid.auditing.oracle import STILL, Oracle, Question, draw_names
from lit_clid.models.diffusion import Target

CONDITIONS: dict[str, Condition] = {"caption": CAPTION, "empty": NULL}


@dataclass(frozen=True)
class Grid(Attack):
    """−ℓ for every (t, draw, condition), as columns called `t_draw_condition`; the draw without
    noise is `still`.
    """

    t: tuple[int, ...] = tuple(range(50, 951, 50))
    draws: int = 3

    @property
    def cells(self) -> list[tuple[int, str, str]]:
        """(t, draw, condition) of every column."""
        return [
            (t, draw, name)
            for t in self.t
            for draw in (STILL, *draw_names(self.draws))
            for name in CONDITIONS
        ]

    def columns(self, target: Target) -> tuple[str, ...]:
        return tuple(f"{t}_{draw or 0}_{name}" for t, draw, name in self.cells)

    def check(self, target: Target, captions: Sequence[str]) -> str:
        check_timesteps(self.t, target)
        return ""

    def signal(self, oracle: Oracle) -> Tensor:
        return -oracle.errors([Question(t, CONDITIONS[name], draw) for t, draw, name in self.cells])
