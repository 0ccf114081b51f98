"""Choosing timesteps and draws by the AUROC of the shadow's records, with a check that the choice
holds on others.

Candidates are equidistant runs of the grid's timesteps, few enough that the best of them is not
merely the luckiest. The choice is kept only if, made on one half of the records and graded on the
other, it does at least as well as what the attack had; the target's labels are never looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.auditing.attacks.clir import FLOOR
from lit_clid.auditing.oracle import STILL
from lit_clid.judging.roc import auroc, curve
from lit_clid.scores import Scores

Draws = tuple[tuple[int, ...], int]
"""(timesteps, draws of ε at each)."""


@dataclass(frozen=True)
class Losses:
    """ℓ of N records at T timesteps: `noisy` (N, T, draws, 2), `still` (N, T, 2); last axis:
    caption, empty.
    """

    t: tuple[int, ...]
    noisy: np.ndarray
    still: np.ndarray
    member: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Losses":
        """The losses of some of the records."""
        return Losses(self.t, self.noisy[chosen], self.still[chosen], self.member[chosen])


def read_losses(scores: Scores, t: Sequence[int], draws: int) -> Losses:
    """Take the losses out of a sweep's table."""
    member = scores.member

    def cell(step: int, draw: str) -> np.ndarray:
        return -np.stack(
            [scores.signals[f"grid_{step}_{draw}_{c}"] for c in ("caption", "empty")], axis=-1
        )

    noisy = np.stack(
        [np.stack([cell(step, str(k)) for k in range(draws)], axis=1) for step in t], axis=1
    )
    return Losses(tuple(t), noisy, np.stack([cell(step, STILL) for step in t], axis=1), member)


def _loss(losses: Losses, places: Sequence[int], draws: int) -> np.ndarray:
    return -losses.noisy[..., 0][:, places, :draws].mean((1, 2))


def _discrepancy(losses: Losses, places: Sequence[int], draws: int) -> np.ndarray:
    both = losses.noisy[:, places, :draws].mean((1, 2))
    return both[:, 1] - both[:, 0]


def _noisy_ratio(losses: Losses, places: Sequence[int], draws: int) -> np.ndarray:
    logs = np.log(np.maximum(losses.noisy[:, places, :draws], FLOOR))
    return (logs[..., 1] - logs[..., 0]).mean((1, 2))


def _still_ratio(losses: Losses, places: Sequence[int], draws: int) -> np.ndarray:
    logs = np.log(np.maximum(losses.still[:, places], FLOOR))
    return (logs[..., 1] - logs[..., 0]).mean(1)


SCORES: dict[str, Callable[[Losses, Sequence[int], int], np.ndarray]] = {
    "loss": _loss,
    "discrepancy": _discrepancy,
    "noisy ratio": _noisy_ratio,
    "still ratio": _still_ratio,
}
"""What is swept: (losses, indices of timesteps, draws) → score (N,), larger = more member-like."""


def strength(losses: Losses, score: str, places: Sequence[int], draws: int) -> float:
    """AUROC of a score on the given timesteps and draws."""
    return float(auroc(curve(SCORES[score](losses, places, draws), losses.member)))


def candidates(count: int, steps: int, draws: int) -> list[tuple[tuple[int, ...], int]]:
    """(indices, draws): equidistant runs among `steps` timesteps that ask `count` draws in all."""
    found = []
    for each in range(1, draws + 1):
        length, rest = divmod(count, each)
        if rest or not 1 <= length <= steps:
            continue
        strides = range(1, (steps - 1) // (length - 1) + 1) if length > 1 else (1,)
        starts = [(first, s) for s in strides for first in range(steps - s * (length - 1))]
        found += [
            (tuple(range(first, first + s * length, s))[:length], each) for first, s in starts
        ]
    return found


@dataclass(frozen=True)
class Choice:
    """Timesteps and draws chosen for one attack.

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


def choose(losses: Losses, score: str, had: Draws, most_draws: int) -> Choice:
    """Choose as many draws as the attack `had`, by the shadow's AUROC."""
    count = len(had[0]) * had[1]
    options = candidates(count, len(losses.t), 1 if score == "still ratio" else most_draws)
    halves = _halves(losses.member)
    held_out = np.mean(
        [
            strength(losses.rows(graded), score, *_best(losses.rows(fitted), score, options))
            for fitted, graded in (halves, halves[::-1])
        ]
    )
    before = _strength_of(losses, score, had, halves)
    places, draws = _best(losses, score, options)
    kept = before is not None and bool(held_out < before)
    chosen = had if kept else (tuple(losses.t[k] for k in places), draws)
    return Choice(chosen, float(held_out), before, kept)


def _best(
    losses: Losses, score: str, options: Sequence[tuple[tuple[int, ...], int]]
) -> tuple[tuple[int, ...], int]:
    return max(options, key=lambda option: strength(losses, score, *option))


def _strength_of(
    losses: Losses, score: str, had: Draws, halves: Sequence[np.ndarray]
) -> float | None:
    """AUROC of the attack's own timesteps on the same halves; those near a grid point count as
    that point.
    """
    places = [int(np.argmin([abs(t - step) for t in losses.t])) for step in had[0]]
    distinct = tuple(dict.fromkeys(places))
    if any(abs(losses.t[k] - step) > 25 for k, step in zip(places, had[0], strict=True)):
        return None
    draws = had[1] * len(places) // len(distinct)
    if draws > losses.noisy.shape[2] or draws * len(distinct) != had[1] * len(places):
        return None
    return float(np.mean([strength(losses.rows(half), score, distinct, draws) for half in halves]))


def _halves(member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every second member and every second hold-out, and the others; records are sorted by id,
    not by anything told.
    """
    rank = np.where(member, np.cumsum(member), np.cumsum(~member))
    return rank % 2 == 0, rank % 2 == 1
