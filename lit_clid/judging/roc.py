"""Exact ROC curves of scores and the figures read off them, in float64.

A record is called a member from threshold τ on: TPR(τ) = P(score ≥ τ | member), FPR(τ) =
P(score ≥ τ | hold-out), FNR = 1 − TPR, TNR = 1 − FPR. Every figure is a `Statistic`, a function of
the rates at all thresholds (…, K), so that it takes a bootstrap's replicates at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Rates at K thresholds from strictest to loosest, the first one accepting nothing.

    Args:
        tpr: share of the members called members, (…, K) in [0, 1], rising.
        fpr: share of the hold-outs called members, (…, K) in [0, 1], rising.
    """

    tpr: np.ndarray
    fpr: np.ndarray


Statistic = Callable[[Curve], np.ndarray]
"""Rates (…, K) → a figure (…)."""
SLACK = 1e-9
"""Float error of a rate that equals its cap."""


def curve(score: np.ndarray, member: np.ndarray, weights: np.ndarray | None = None) -> Curve:
    """Exact ROC, ties accepted together.

    Args:
        score: (N,) finite, larger = more member-like.
        member: (N,) bool, both kinds among them.
        weights: (…, N) ≥ 0, how many times each record counts; None counts each once.
    """
    order = np.argsort(-score, kind="stable")
    w = np.ones(len(score)) if weights is None else weights
    w, m = w[..., order], member[order]
    changes = np.flatnonzero(np.diff(score[order]))
    last = np.append(changes, len(score) - 1)  # of each run of equal scores
    return Curve(_rates(w * m, last), _rates(w * ~m, last))


def _rates(counts: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Counts (…, N) by falling score → the share accepted up to none, and up to each of `last`."""
    accepted = np.cumsum(counts, axis=-1)[..., last]
    nothing = np.zeros((*accepted.shape[:-1], 1))
    return np.concatenate([nothing, accepted], axis=-1) / accepted[..., -1:]


def drawable(roc: Curve, most: int = 20_000) -> Curve:
    """The curve with at most so many thresholds, evenly by the logarithm of their rank: rates of
    few false positives keep each of theirs.
    """
    last = len(roc.fpr) - 1
    if last < most:
        return roc
    places = np.unique(np.append(0, np.geomspace(1, last, most - 1).astype(int)))
    return Curve(roc.tpr[places], roc.fpr[places])


def auroc(roc: Curve) -> np.ndarray:
    """Area under the ROC curve by trapezoids, which counts ties half: (…, K) → (…) in [0, 1]."""
    width = np.diff(roc.fpr, axis=-1)
    height = (roc.tpr[..., 1:] + roc.tpr[..., :-1]) / 2
    return np.sum(width * height, axis=-1)


def tpr_at_fpr(cap: float) -> Statistic:
    """Largest TPR over the thresholds with FPR ≤ cap; members are the positive class."""

    def statistic(roc: Curve) -> np.ndarray:
        allowed = roc.fpr <= cap + SLACK
        return np.max(np.where(allowed, roc.tpr, 0.0), axis=-1)

    return statistic


def best_accuracy(roc: Curve) -> np.ndarray:
    """Largest balanced accuracy ½·(TPR + TNR) over all thresholds: (…, K) → (…) in [½, 1].

    An oracle's choice where the labels are those of the graded records.
    """
    return np.max((roc.tpr + 1 - roc.fpr) / 2, axis=-1)
