"""Attacks over all training seeds of one data set: means, intervals and spread.

A figure is the mean over the runs with the interval of the mean of their independent bootstrap
replicates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.evidence import replicate
from lit_clid.judging.judge import Judgement
from lit_clid.judging.pooled import Pooled, pool
from lit_clid.judging.roc import Statistic, auroc, curve, tpr_at_fpr

STATISTICS: dict[str, Statistic] = {
    "auroc": auroc,
    "tpr1": tpr_at_fpr(0.01),
    "tpr10": tpr_at_fpr(0.1),
}


@dataclass(frozen=True)
class Row:
    """One attack over all seeds of one data set."""

    title: str
    queries: int
    backward: int
    figures: Mapping[str, Pooled]
    shadow: float

    @property
    def cost(self) -> str:
        return f"{self.queries} + {self.backward}∇" if self.backward else str(self.queries)

    def as_json(self) -> dict[str, object]:
        return {
            "queries": self.queries,
            "backward": self.backward,
            "shadow_auroc": self.shadow,
            **{statistic: value.as_json() for statistic, value in self.figures.items()},
        }


class Bench:
    """The judgements of all seeds of one data set."""

    def __init__(self, judgements: Sequence[Judgement]) -> None:
        self.judgements = judgements
        self._replicates: dict[str, list[dict[str, np.ndarray]]] = {}

    def _scores(self, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(j.grades[name].verdict.score, j.target.member) for j in self.judgements]

    def replicates(self, name: str) -> list[dict[str, np.ndarray]]:
        """Bootstrap replicates of every statistic, run by run; equal runs resample equal records
        for every attack.
        """
        if name not in self._replicates:
            self._replicates[name] = [
                replicate(STATISTICS, score, member, seed=k)
                for k, (score, member) in enumerate(self._scores(name))
            ]
        return self._replicates[name]

    def point(self, name: str, statistic: str) -> list[float]:
        return [float(STATISTICS[statistic](curve(*pair))) for pair in self._scores(name)]

    def figure(self, name: str, statistic: str) -> Pooled:
        """The mean over the runs, with the interval over records and that over runs."""
        drawn = [run[statistic] for run in self.replicates(name)]
        return pool(self.point(name, statistic), drawn)

    def difference(self, first: str, second: str, statistic: str) -> Pooled:
        """`first` minus `second`, run by run and on the same resampled records."""
        points = np.subtract(self.point(first, statistic), self.point(second, statistic))
        pairs = zip(self.replicates(first), self.replicates(second), strict=True)
        drawn = [a[statistic] - b[statistic] for a, b in pairs]
        return pool(points.tolist(), drawn)

    def rows(self) -> dict[str, Row]:
        """All attacks, strongest first."""
        found = {}
        for name, result in self.judgements[0].grades.items():
            shadow = [j.grades[name].shadow_auroc or 0.0 for j in self.judgements]
            found[name] = Row(
                result.title,
                result.queries or 0,
                result.backward,
                {statistic: self.figure(name, statistic) for statistic in STATISTICS},
                float(np.mean(shadow)),
            )
        return dict(sorted(found.items(), key=lambda item: -item[1].figures["auroc"].value))
