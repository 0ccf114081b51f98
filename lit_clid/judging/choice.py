"""Choosing timesteps and draws by AUROC, and whether the choice holds.

Candidates are equidistant runs of the grid's timesteps, few enough that the best of them is not
merely the luckiest. The choice is kept only if, made on one half of the records and graded on the
other, it does at least as well as what was there before. All records are the shadow's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.evidence import Estimate, estimate
from lit_clid.judging.roc import auroc, curve

Draws = tuple[tuple[int, ...], int]
"""(timesteps, draws of ε at each)."""
Score = Callable[[Draws], np.ndarray]
"""(timesteps, draws) → a score (N,) of every record, larger = more member-like."""
NEAR = 25
"""Distance up to which a timestep counts as the grid's nearest one."""


@dataclass(frozen=True)
class Choice:
    """Timesteps and draws that were chosen.

    Args:
        draws: the chosen (timesteps, draws).
        held_out: AUROC of a choice made in the same way on one half of the records and graded on
            the other, both ways.
        before: AUROC of what there was; None if its timesteps are not on the grid.
        kept: True if the choice is no better and what there was stays.
    """

    draws: Draws
    held_out: float
    before: float | None
    kept: bool


def choose(score: Score, member: np.ndarray, grid: Draws, had: Draws, most_draws: int) -> Choice:
    """Choose as many draws as there were, by AUROC; every score is asked for once.

    Args:
        score: on the grid's timesteps and draws.
        member: (N,) bool.
        grid: its timesteps, and the draws at each.
        had: the timesteps and draws that there were.
        most_draws: at one timestep that may be chosen.
    """
    t, each = had
    options = candidates(len(t) * each, grid[0], most_draws)
    near = _on_the_grid(grid, had)
    asked = dict.fromkeys(options if near is None else [*options, near])
    scores = {draws: score(draws) for draws in asked}

    def strength(draws: Draws, records: np.ndarray) -> float:
        return float(auroc(curve(scores[draws][records], member[records])))

    def best(records: np.ndarray) -> Draws:
        return max(options, key=lambda option: strength(option, records))

    first, second = _halves(member)
    held_out = float(np.mean([strength(best(first), second), strength(best(second), first)]))
    before = None
    if near is not None:
        before = float(np.mean([strength(near, half) for half in (first, second)]))
    kept = before is not None and held_out < before
    everyone = np.ones(len(member), dtype=bool)
    return Choice(had if kept else best(everyone), held_out, before, kept)


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


def at_each_timestep(score: Score, member: np.ndarray, t: Sequence[int]) -> list[Estimate]:
    """AUROC in [0, 1] at every single timestep, one draw, with its 95 % interval."""
    scores = [score(((step,), 1)) for step in t]
    return [estimate({"auroc": auroc}, each, member)["auroc"] for each in scores]


def _on_the_grid(grid: Draws, had: Draws) -> Draws | None:
    """What there was, timesteps near a grid point counting as that point."""
    nearest = [min(grid[0], key=lambda t: abs(t - step)) for step in had[0]]
    if any(abs(t - step) > NEAR for t, step in zip(nearest, had[0], strict=True)):
        return None
    distinct = tuple(dict.fromkeys(nearest))
    draws, rest = divmod(had[1] * len(nearest), len(distinct))
    return None if rest or draws > grid[1] else (distinct, draws)


def _halves(member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every second member and every second hold-out, and the others.

    Records are sorted by id, not by anything told.
    """
    rank = np.where(member, np.cumsum(member), np.cumsum(~member))
    return rank % 2 == 0, rank % 2 == 1
