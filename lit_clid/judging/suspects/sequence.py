"""Asking only as much as is needed: an anytime-valid test of the set, suspect by suspect.

Suspects come in random order. The k-th is ranked among the n₀ hold-outs *and the suspects before
it*, u_k = (#{larger} + V·(1 + #{equal})) / (n₀ + k) with V uniform: if suspects are exchangeable
with hold-outs, u_1, u_2, … are independent and uniform (Rényi 1962). Ranked among the hold-outs
alone they are not, and peeking would err three times as often as it says. E_k, the mean over
a ∈ `BETS` of Π_{i ≤ k} a·u_i^(a − 1), bets that the u are small; it is a test martingale, so that
P(any E_k ≥ 1/α) ≤ α (Ville 1939): it may be looked at after every suspect.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

BETS = (0.1, 0.2, 0.35, 0.5, 0.7)
"""Exponents a of the bets, fixed beforehand: the smaller, the more is bet on very small ranks."""


@dataclass(frozen=True)
class Sequential:
    """A sequential test.

    Args:
        evidence: log E_k after each suspect (M,), in the order in which they were asked.
        level: α; the test stops at the first E_k ≥ 1/α.
        stopped: how many suspects that took; None if all did not suffice.
    """

    evidence: np.ndarray
    level: float
    stopped: int | None

    @property
    def p(self) -> float:
        """1 / max E_k, a p-value whenever one looks; at most 1."""
        return float(max(np.exp(-self.evidence.max(initial=0.0)), np.finfo(float).tiny))

    def as_json(self) -> dict[str, Any]:
        return {"level": self.level, "p": self.p, "suspects_needed": self.stopped}


def sequential_ranks(
    suspects: np.ndarray, holdouts: np.ndarray, dice: np.random.Generator
) -> np.ndarray:
    """u_k of every suspect (M,) among the hold-outs and the suspects before it, in (0, 1).

    Args:
        suspects: scores (M,), in the order in which they were asked.
        holdouts: scores (n₀,).
        dice: breaks ties, and makes the ranks continuous.
    """
    before, uniform = np.sort(holdouts), dice.random(len(suspects))
    high = np.searchsorted(before, suspects, side="right")
    low = np.searchsorted(before, suspects, side="left")
    larger, equal = earlier(suspects)
    larger, equal = larger + len(before) - high, equal + high - low
    among = len(before) + 1 + np.arange(len(suspects))
    return np.clip((larger + uniform * (1 + equal)) / among, np.finfo(float).tiny, 1.0)


def earlier(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many before each score (M,) are larger, and how many equal it, each (M,).

    From the highest bit of the ranks down, scores stand by the bits above and then in their own
    order; those that differ in the next bit from one that follows are counted.
    """
    _, rank, counts = np.unique(scores, return_inverse=True, return_counts=True)
    order = np.arange(len(scores))
    larger = np.zeros(len(scores), np.int64)
    for bit in reversed(range(len(counts).bit_length())):
        own = rank[order]
        ones = (own >> bit) & 1
        starts = np.flatnonzero(np.diff(own >> (bit + 1), prepend=-1))
        sizes = np.diff(starts, append=len(own))
        so_far = np.cumsum(ones) - ones
        before = so_far - np.repeat(so_far[starts], sizes)
        larger[order] += np.where(ones == 0, before, 0)
        order = order[np.lexsort((np.arange(len(own)), own >> bit))]
    firsts = np.repeat(np.cumsum(counts) - counts, counts)
    equal = np.empty(len(scores), np.int64)
    equal[order] = np.arange(len(scores)) - firsts
    return larger, equal


def evidence_of_ranks(u: np.ndarray) -> np.ndarray:
    """log E_k after each u_k (M,), in (0, 1]."""
    bets = np.array(BETS)[:, None]
    wealth = np.cumsum(np.log(bets) + (bets - 1) * np.log(u), axis=1)
    found: np.ndarray = np.logaddexp.reduce(wealth, axis=0) - np.log(len(BETS))
    return found


def ask_in_order(
    suspects: np.ndarray, holdouts: np.ndarray, level: float, seed: int = 0
) -> Sequential:
    """Test suspect by suspect.

    Args:
        suspects: scores (M,), in the order in which they were asked.
        holdouts: scores (n₀,).
        level: α, in (0, 1).
        seed: of the ties.
    """
    u = sequential_ranks(suspects, holdouts, np.random.default_rng(seed))
    evidence = evidence_of_ranks(u)
    reached = np.flatnonzero(evidence >= -np.log(level))
    return Sequential(evidence, level, int(reached[0]) + 1 if len(reached) else None)
