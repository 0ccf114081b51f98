"""Means over independent runs, S of them, with two intervals.

Over records: the bootstrap replicates of the runs, averaged replicate by replicate; it holds for
these very runs. Over runs: x̄ ± t_{0.975, S−1}·s/√S, Student's t over the runs' own figures, which
deal other records and train anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_clid.judging.evidence import TAIL, Estimate, Evidence, Unresolved, percentile_interval


@dataclass(frozen=True)
class Pooled:
    """The mean of a figure over S independent runs, in the figure's own unit.

    Args:
        over_records: the mean, with its 95 % interval over the records of these very runs.
        runs: the figure of each run, S of them.
        over_runs: the mean, with its 95 % interval over runs like these; unresolved for fewer than
            two.
    """

    over_records: Estimate
    runs: tuple[float, ...]
    over_runs: Evidence

    @property
    def value(self) -> float:
        """The mean."""
        return self.over_records.value

    def excludes(self, value: float) -> bool:
        """True if `value` lies outside the intervals, those of both kinds if there are both."""
        if isinstance(self.over_runs, Estimate) and not self.over_runs.excludes(value):
            return False
        return self.over_records.excludes(value)

    def as_json(self) -> dict[str, Any]:
        over_runs = self.over_runs.as_json()
        bounds = {"low": over_runs["low"], "high": over_runs["high"]}
        return {**self.over_records.as_json(), "runs": list(self.runs), "over_runs": bounds}


def over_records(figure: Pooled | Unresolved) -> Evidence:
    """What the very runs show of a figure that may not have been pooled."""
    return figure.over_records if isinstance(figure, Pooled) else figure


def pool(
    values: Sequence[float], replicates: Sequence[np.ndarray], smaller: int | None = None
) -> Pooled:
    """Average runs.

    Args:
        values: the figure of each run (S).
        replicates: of each run (R,).
        smaller: records of the smaller class of the smallest run, for rates; a mean of 0 or 1
            without any spread then gets the exact binomial bound.
    """
    runs = tuple(float(value) for value in values)
    mean = float(np.mean(values))
    own = percentile_interval(mean, np.mean(replicates, axis=0), smaller)
    return Pooled(own, runs, _over_runs(mean, runs))


def _over_runs(mean: float, runs: tuple[float, ...]) -> Evidence:
    if len(runs) < 2:
        return Unresolved("one run says nothing of others")
    from scipy.stats import t

    slack = float(t.ppf(1 - TAIL, len(runs) - 1) * np.std(runs, ddof=1) / len(runs) ** 0.5)
    return Estimate(mean, mean - slack, mean + slack)
