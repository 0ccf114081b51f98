"""Honest uncertainty: figures with 95 % intervals by a stratified percentile bootstrap.

A replicate reweights the records within each class, w ~ Multinomial(n, 1/n) for the n members and
for the hold-outs on their own (Efron and Tibshirani 1993, § 8.3), so that a thousand replicates of
a ROC curve are one cumulative sum. Records of one image (`image`, a number for each record) are no
independent draws: images are then resampled whole (Field and Welsh 2007). An interval reaches from
the 0.025 to the 0.975 quantile of the replicates. From `many.MANY` records on, replicates are drawn
as that module says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lit_clid.judging import many
from lit_clid.judging.roc import Statistic, auroc, curve

REPLICATES = 2000
TAIL = 0.025
"""Of a 95 % interval, on either side."""
BLOCK = 2_000_000
"""Most weights held at a time, replicates × records."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, all in the figure's own unit."""

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """True if `value` lies outside the interval."""
        return value < self.low or self.high < value

    def as_json(self) -> dict[str, float | str | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Unresolved:
    """A figure that cannot be given.

    Args:
        reason: why, for readers of the code and of report.json.
        shown: what a table says in the figure's place.
    """

    reason: str
    shown: str = "unresolved"

    def as_json(self) -> dict[str, float | str | None]:
        return {"value": None, "low": None, "high": None, "note": self.reason}


Evidence = Estimate | Unresolved
"""What is known of a figure: its interval, or why there is none."""


def replicate_weights(
    member: np.ndarray, replicates: int, seed: int, image: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yield blocks (b, N) of multinomial counts, `replicates` rows in all.

    Args:
        member: (N,) bool; each class is resampled on its own.
        replicates: R.
        seed: of the counts.
        image: of each record (N,), never of both classes; None where each has its own.
    """
    if image is not None:
        _, heads, place = np.unique(image, return_index=True, return_inverse=True)
        for weights in replicate_weights(member[heads], replicates, seed):
            yield weights[:, place]
        return
    if replicates * len(member) <= BLOCK:
        yield _weights(member.tobytes(), replicates, seed)
        return
    yield from _blocks(member, replicates, seed)


@lru_cache(maxsize=2)
def _weights(member: bytes, replicates: int, seed: int) -> np.ndarray:
    """All of them, once for every attack on the same records; not to be written to."""
    (weights,) = _blocks(np.frombuffer(member, dtype=bool), replicates, seed)
    weights.flags.writeable = False
    return weights


def _blocks(member: np.ndarray, replicates: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    block = max(1, min(replicates, BLOCK // len(member)))
    for start in range(0, replicates, block):
        weights = np.empty((min(block, replicates - start), len(member)))
        for group in (member, ~member):
            n = int(group.sum())
            weights[:, group] = rng.multinomial(n, np.full(n, 1 / n), size=len(weights))
        yield weights


def replicate(
    statistics: Mapping[str, Statistic],
    score: np.ndarray,
    member: np.ndarray,
    seed: int = 0,
    image: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Each statistic on every bootstrap replicate (R,).

    Args:
        statistics: by name.
        score: (N,), larger = more member-like.
        member: (N,) bool.
        seed: equal ones resample equal records, which pairs two scores.
        image: see `replicate_weights`.
    """
    if len(score) >= many.MANY:
        return many.replicate_many(statistics, score, member, REPLICATES, seed, image)
    blocks: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in replicate_weights(member, REPLICATES, seed, image):
        roc = curve(score, member, weights)
        for name, statistic in statistics.items():
            blocks[name].append(statistic(roc))
    return {name: np.concatenate(parts) for name, parts in blocks.items()}


def independent(member: np.ndarray, image: np.ndarray | None) -> tuple[int, int]:
    """How many members, and how many hold-outs, are independent: images where records share them.

    Args:
        member: (N,) bool.
        image: see `replicate_weights`.
    """
    own = member
    if image is not None:
        own = member[np.unique(image, return_index=True)[1]]
    return int(own.sum()), int((~own).sum())


def replicate_means(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """The mean of values (N,) on every replicate (R,); equal seeds resample equal rows."""
    n = len(values)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=REPLICATES)
    means: np.ndarray = counts @ values / n
    return means


def estimate(
    statistics: Mapping[str, Statistic],
    score: np.ndarray,
    member: np.ndarray,
    image: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Point values with 95 % stratified percentile-bootstrap intervals.

    Args:
        statistics: rates in [0, 1], by name.
        score: (N,), larger = more member-like.
        member: (N,) bool.
        image: see `replicate_weights`.
    """
    roc = curve(score, member)
    replicates = replicate(statistics, score, member, image=image)
    smaller = min(independent(member, image))
    return {
        name: percentile_interval(float(statistic(roc)), replicates[name], smaller)
        for name, statistic in statistics.items()
    }


def percentile_interval(
    value: float, replicates: np.ndarray, smaller: int | None = None
) -> Estimate:
    """The 95 % interval of a figure from its bootstrap replicates (R,).

    Where all replicates of a rate agree (a perfect or a hopeless score) the bootstrap would claim
    certainty; the bound is then the exact binomial one, n successes in n trials: 1 − TAIL^(1/n)
    from the end (Clopper and Pearson 1934).

    Args:
        value: the figure on the records themselves.
        replicates: R figures, each on resampled records.
        smaller: n, the records of the smaller class; None for a figure that is no rate.
    """
    low, high = np.quantile(replicates, (TAIL, 1 - TAIL))
    if smaller is not None and low == high and value in (0.0, 1.0):
        slack = 1 - TAIL ** (1 / smaller)
        low, high = (1 - slack, 1.0) if value == 1.0 else (0.0, slack)
    if smaller is not None:
        low, high = np.clip((low, high), 0.0, 1.0)
    return Estimate(value, float(low), float(high))


def auroc_bound(score: np.ndarray, member: np.ndarray) -> tuple[float, float]:
    """The AUROC, and the upper end of its one-sided 95 % interval, by the same bootstrap.

    Args:
        score: (N,), larger = more member-like.
        member: (N,) bool.
    """
    value = float(auroc(curve(score, member)))
    drawn = replicate({"auroc": auroc}, score, member)["auroc"]
    upper = float(np.quantile(drawn, 1 - 2 * TAIL))
    if value == 0.0:  # all replicates agree, see `percentile_interval`
        upper = 1 - (2 * TAIL) ** (1 / int(min(member.sum(), (~member).sum())))
    return value, upper


def paired_auroc_difference(
    first: np.ndarray, second: np.ndarray, member: np.ndarray, image: np.ndarray | None = None
) -> Estimate:
    """AUROC of `first` minus that of `second`, in [−1, 1], on the same resampled records.

    Args:
        first, second: scores (N,) of the same records, larger = more member-like.
        member: (N,) bool.
        image: see `replicate_weights`.
    """
    value = float(auroc(curve(first, member)) - auroc(curve(second, member)))
    ours = replicate({"auroc": auroc}, first, member, image=image)["auroc"]
    theirs = replicate({"auroc": auroc}, second, member, image=image)["auroc"]
    return percentile_interval(value, ours - theirs)
