"""Choosing timesteps and draws by the AUROC of the shadow's records, and whether the choice holds.

Candidates are equidistant runs of the grid's timesteps, few enough that the best of them is not
merely the luckiest. The choice is kept only if, made on one half of the records and graded on the
other, it does at least as well as what the attack had; the target's labels are never looked at.
The attack itself is asked: its first column, on a replay of the sweep's table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.replay import Cell, Replay
from lit_clid.judging.roc import auroc, curve
from lit_clid.scores import Scores

Draws = tuple[tuple[int, ...], int]
"""(timesteps, draws of ε at each)."""
NEAR = 25
"""Distance up to which a timestep counts as the grid's nearest one."""


@dataclass(frozen=True)
class Losses:
    """A sweep's table: ℓ of N records.

    Args:
        t: timesteps of the grid, rising.
        draws: of ε at each.
        cells: (t, draw, condition) → ℓ (N,).
        member: (N,).
    """

    t: tuple[int, ...]
    draws: int
    cells: Mapping[Cell, np.ndarray]
    member: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Losses":
        """The losses of some of the records."""
        cells = {cell: loss[chosen] for cell, loss in self.cells.items()}
        return replace(self, cells=cells, member=self.member[chosen])


def read_losses(scores: Scores, grid: Grid) -> Losses:
    """Take the losses out of a sweep's table, whose signals are called `grid_t_draw_condition`."""
    names = [f"grid_{suffix}" for suffix in grid.columns()]
    cells = {cell: -scores.signals[name] for cell, name in zip(grid.cells, names, strict=True)}
    return Losses(grid.t, grid.draws, cells, scores.member)


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

    def most_draws(self, losses: int) -> int:
        """Draws at one timestep that may be asked for, of so many in the table."""
        return 1 if self.attack.swept[self.field] is None else losses

    def changes(self, draws: Draws) -> dict[str, object]:
        """The attack's fields that say so."""
        t, each = draws
        count = self.attack.swept[self.field]
        return {self.field: t} if count is None else {self.field: t, count: each}

    def score(self, losses: Losses, draws: Draws) -> np.ndarray:
        """The attack's first column (N,), asked at these timesteps of this field alone."""
        alone: dict[str, Any] = {**dict.fromkeys(self.attack.swept, ()), **self.changes(draws)}
        asked = replace(self.attack, **alone)
        columns = asked.signal(Replay(losses.cells))
        return np.asarray(columns[:, 0].numpy())

    def strength(self, losses: Losses, draws: Draws) -> float:
        """AUROC of that score."""
        return float(auroc(curve(self.score(losses, draws), losses.member)))


def candidates(count: int, t: Sequence[int], draws: int) -> list[Draws]:
    """Equidistant runs among timesteps that ask `count` draws in all, at most `draws` at each."""
    found: list[Draws] = []
    for each in range(1, draws + 1):
        length, rest = divmod(count, each)
        if rest or not 1 <= length <= len(t):
            continue
        strides = range(1, (len(t) - 1) // (length - 1) + 1) if length > 1 else (1,)
        for stride in strides:
            starts = range(len(t) - stride * (length - 1))
            found += [(tuple(t[first::stride][:length]), each) for first in starts]
    return found


@dataclass(frozen=True)
class Choice:
    """Timesteps and draws chosen for one field of an attack.

    Args:
        draws: the chosen (timesteps, draws).
        held_out: AUROC of a choice made in the same way on one half of the records and graded on
            the other, both ways.
        before: AUROC of what the attack had; None if its timesteps are not on the grid.
        kept: True if the choice is no better and the attack keeps what it had.
    """

    draws: Draws
    held_out: float
    before: float | None
    kept: bool


def choose(losses: Losses, swept: Swept) -> Choice:
    """Choose as many draws as the attack had, by the shadow's AUROC."""
    t, each = swept.had
    options = candidates(len(t) * each, losses.t, swept.most_draws(losses.draws))

    def best(records: Losses) -> Draws:
        return max(options, key=lambda option: swept.strength(records, option))

    first, second = (losses.rows(half) for half in _halves(losses.member))
    there, back = swept.strength(second, best(first)), swept.strength(first, best(second))
    held_out = float(np.mean([there, back]))
    near = _on_the_grid(losses, swept.had)
    before = None
    if near is not None:
        before = float(np.mean([swept.strength(half, near) for half in (first, second)]))
    kept = before is not None and held_out < before
    return Choice(swept.had if kept else best(losses), held_out, before, kept)


def _on_the_grid(losses: Losses, had: Draws) -> Draws | None:
    """The attack's own draws, timesteps near a grid point counting as that point."""
    nearest = [min(losses.t, key=lambda t: abs(t - step)) for step in had[0]]
    if any(abs(t - step) > NEAR for t, step in zip(nearest, had[0], strict=True)):
        return None
    distinct = tuple(dict.fromkeys(nearest))
    draws, rest = divmod(had[1] * len(nearest), len(distinct))
    return None if rest or draws > losses.draws else (distinct, draws)


def _halves(member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every second member and every second hold-out, and the others.

    Records are sorted by id, not by anything told.
    """
    rank = np.where(member, np.cumsum(member), np.cumsum(~member))
    return rank % 2 == 0, rank % 2 == 1
