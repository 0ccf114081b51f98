"""Honest uncertainty: exact ROC counts, stratified bootstrap intervals, paired differences.

Every figure is a function of a `Curve`, the rates at all thresholds. A bootstrap replicate is a
reweighting of the records within each class, so a thousand replicates are one cumulative sum.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

REPLICATES = 2000
TAIL = 0.025
"""Of a 95 % interval, on either side."""


@dataclass(frozen=True)
class Curve:
    """Rates at K thresholds from strictest to loosest, the first one accepting nothing: tpr, fpr
    (…, K).
    """

    tpr: np.ndarray
    fpr: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A figure with its interval; all None where the records cannot resolve it, and `note` says
    why.
    """

    value: float | None
    low: float | None
    high: float | None
    note: str = ""

    def as_json(self) -> dict[str, float | str | None]:
        figure: dict[str, float | str | None] = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
        }
        return figure | {"note": self.note} if self.note else figure


Statistic = Callable[[Curve], np.ndarray]


def curve(score: np.ndarray, member: np.ndarray, weights: np.ndarray | None = None) -> Curve:
    """Exact ROC of score (N,), ties accepted together; weights (…, N) count each record so many
    times.
    """
    order = np.argsort(-score, kind="stable")
    w = np.ones(len(score)) if weights is None else weights
    w, m = w[..., order], member[order]
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)

    def rate(counts: np.ndarray) -> np.ndarray:
        total = np.cumsum(counts, axis=-1)[..., last]
        return np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1) / total[..., -1:]

    return Curve(rate(w * m), rate(w * ~m))


def auroc(roc: Curve) -> np.ndarray:
    """Area under the ROC curve, ties counted half: (…, K) → (…)."""
    width, height = np.diff(roc.fpr, axis=-1), (roc.tpr[..., 1:] + roc.tpr[..., :-1]) / 2
    return np.sum(width * height, axis=-1)


def tpr_at_fpr(cap: float) -> Statistic:
    """Largest TPR over the thresholds with FPR ≤ cap (member-positive)."""
    return lambda roc: np.max(np.where(roc.fpr <= cap + 1e-9, roc.tpr, 0.0), axis=-1)


def tnr_at_fnr(cap: float) -> Statistic:
    """Largest TNR over the thresholds with FNR ≤ cap: the papers' "TPR@FPR", whose positive
    class is the hold-outs.
    """
    return lambda roc: np.max(np.where(1 - roc.tpr <= cap + 1e-9, 1 - roc.fpr, 0.0), axis=-1)


def best_accuracy(roc: Curve) -> np.ndarray:
    """Largest balanced accuracy over all thresholds (an oracle's choice when taken on the graded
    records).
    """
    return np.max((roc.tpr + 1 - roc.fpr) / 2, axis=-1)


def replicate_weights(member: np.ndarray, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Yield blocks (b, N) of multinomial counts, `replicates` rows in all; each class is
    resampled on its own.
    """
    rng = np.random.default_rng(seed)
    block = max(1, min(replicates, 2_000_000 // len(member)))
    for start in range(0, replicates, block):
        weights = np.empty((min(block, replicates - start), len(member)))
        for group in (member, ~member):
            n = int(group.sum())
            weights[:, group] = rng.multinomial(n, np.full(n, 1 / n), size=len(weights))
        yield weights


def replicate(
    statistics: Mapping[str, Statistic], score: np.ndarray, member: np.ndarray, seed: int = 0
) -> dict[str, np.ndarray]:
    """Each statistic on every bootstrap replicate (R,); equal seeds resample equal records,
    which pairs two scores.
    """
    blocks: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in replicate_weights(member, REPLICATES, seed):
        roc = curve(score, member, weights)
        for name, statistic in statistics.items():
            blocks[name].append(statistic(roc))
    return {name: np.concatenate(parts) for name, parts in blocks.items()}


def estimate(
    statistics: Mapping[str, Statistic], score: np.ndarray, member: np.ndarray
) -> dict[str, Figure]:
    """Point values with 95 % stratified percentile-bootstrap intervals.

    Where every replicate agrees (a perfect or a hopeless score) the bootstrap would claim
    certainty; the bound is then the exact binomial one for the smaller class, n successes in n
    trials (Clopper–Pearson).
    """
    roc = curve(score, member)
    replicates = replicate(statistics, score, member)
    smaller = int(min(member.sum(), (~member).sum()))
    values = {name: float(statistic(roc)) for name, statistic in statistics.items()}
    return {
        name: Figure(value, *_interval(value, replicates[name], smaller))
        for name, value in values.items()
    }


@dataclass(frozen=True)
class Pooled:
    """The mean of a statistic over independent runs.

    Args:
        value: the mean.
        low, high: 95 % bootstrap interval over the records of these very runs.
        runs: the statistic of each run.
        run_low, run_high: 95 % interval for the mean over runs like these, by Student's t over
            `runs`, whose records and training both differ; None for fewer than two.
    """

    value: float
    low: float
    high: float
    runs: tuple[float, ...]
    run_low: float | None
    run_high: float | None

    def as_json(self) -> dict[str, Any]:
        own = {"value": self.value, "low": self.low, "high": self.high, "runs": list(self.runs)}
        return {**own, "over_runs": {"low": self.run_low, "high": self.run_high}}


def pool(
    values: Sequence[float], replicates: Sequence[np.ndarray], smaller: int | None = None
) -> Pooled:
    """Average runs: point values (S), and each one's bootstrap replicates (R,).

    Args:
        smaller: records of the smaller class of the smallest run, for rates; as in `estimate` a
            mean of 0 or 1 without any spread then gets the exact binomial bound.
    """
    mean, runs = float(np.mean(values)), tuple(float(v) for v in values)
    low, high = _interval(mean, np.mean(replicates, axis=0), smaller)
    if len(runs) < 2:
        return Pooled(mean, low, high, runs, None, None)
    from scipy.stats import t

    slack = float(t.ppf(1 - TAIL, len(runs) - 1) * np.std(runs, ddof=1) / len(runs) ** 0.5)
    return Pooled(mean, low, high, runs, mean - slack, mean + slack)


def replicate_means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """The mean of values (N,) on every bootstrap replicate (R,); equal seeds resample equal
    rows.
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=REPLICATES)
    means: np.ndarray = counts @ values / len(values)
    return means


def _interval(value: float, replicates: np.ndarray, smaller: int | None) -> tuple[float, float]:
    """95 % bootstrap interval; a rate of 0 or 1 without spread gets the exact binomial bound of
    `smaller` records.
    """
    low, high = np.quantile(replicates, (TAIL, 1 - TAIL))
    if smaller is not None and low == high and value in (0.0, 1.0):
        slack = 1 - TAIL ** (1 / smaller)
        low, high = (1 - slack, 1.0) if value == 1.0 else (0.0, slack)
    return float(low), float(high)


def paired_auroc_difference(first: np.ndarray, second: np.ndarray, member: np.ndarray) -> Figure:
    """AUROC of `first` minus that of `second` on the same resampled records, with its 95 %
    interval.
    """
    value = float(auroc(curve(first, member)) - auroc(curve(second, member)))
    pair = [replicate({"auroc": auroc}, score, member)["auroc"] for score in (first, second)]
    low, high = np.quantile(pair[0] - pair[1], (TAIL, 1 - TAIL))
    return Figure(value, float(low), float(high))
