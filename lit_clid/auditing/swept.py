"""What a sweep asks of a table of losses: an attack's score for timesteps of one of its fields.

A score is the attack's first column, on a replay of the table. The replay answers every condition
but the caption alike, so that attacks which differ only in those texts have one score.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import numpy as np

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.replay import Asked, Replay
from lit_clid.scores import Scores

Draws = tuple[tuple[int, ...], int]
"""(timesteps, draws of ε at each)."""


@dataclass(frozen=True)
class Losses:
    """A sweep's table: ℓ of N records.

    Args:
        t: timesteps of the grid, rising.
        draws: of ε at each.
        cells: (t, draw, condition) → ℓ (N,).
        member: (N,) bool.
    """

    t: tuple[int, ...]
    draws: int
    cells: Mapping[Asked, np.ndarray]
    member: np.ndarray


def read_losses(scores: Scores, grid: Grid) -> Losses:
    """Take the losses out of a sweep's table, whose signals are called `grid_t_draw_condition`."""
    names = [f"grid_{suffix}" for suffix in grid.columns()]
    cells = {cell: -scores.signals[name] for cell, name in zip(grid.cells, names, strict=True)}
    return Losses(grid.t, grid.draws, cells, scores.member)


def blank_losses(grid: Grid) -> Losses:
    """The table of a sweep that was not asked yet: one record, every loss 1."""
    cells = {cell: np.ones(1) for cell in grid.cells}
    return Losses(grid.t, grid.draws, cells, np.ones(1, dtype=bool))


@dataclass(frozen=True)
class Swept:
    """One field of timesteps of an attack: what a sweep chooses.

    Args:
        attack: whose field it is.
        field: one of `attack.swept`.
    """

    attack: Attack
    field: str

    @property
    def had(self) -> Draws:
        """What the attack has."""
        t: tuple[int, ...] = getattr(self.attack, self.field)
        draws = self.attack.swept[self.field]
        return t, 1 if draws is None else getattr(self.attack, draws)

    @property
    def plain(self) -> "Swept":
        """The same without what makes no difference to its score; equal ones have equal scores."""
        swept = self.attack.swept
        counts = {count for name, count in swept.items() if name != self.field}
        free = {"rule", "title", *self.attack.proxied, *counts} - {swept[self.field]}
        changes: dict[str, Any] = dict.fromkeys(swept.keys() - {self.field}, ())
        for each in fields(self.attack):
            if each.name in free and each.default is not MISSING:
                changes[each.name] = each.default
        return replace(self, attack=replace(self.attack, **changes))

    def most_draws(self, losses: int) -> int:
        """Draws at one timestep that may be asked for, of so many in the table."""
        return 1 if self.attack.swept[self.field] is None else losses

    def changes(self, draws: Draws) -> dict[str, object]:
        """The attack's fields that say so."""
        t, each = draws
        count = self.attack.swept[self.field]
        return {self.field: t} if count is None else {self.field: t, count: each}

    def score(self, losses: Losses, draws: Draws) -> np.ndarray:
        """The attack's first column (N,), asked at these timesteps of this field alone.

        Raises:
            ValueError: if the attack asks for anything that the table does not have.
        """
        alone: dict[str, Any] = {**dict.fromkeys(self.attack.swept, ()), **self.changes(draws)}
        asked = replace(self.attack, **alone)
        columns = asked.signal(Replay(losses.cells))
        return np.asarray(columns[:, 0].numpy())
