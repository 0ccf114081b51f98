"""Figures of one audited model and of its bootstrap replicates, before runs are pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.evidence import replicate, replicate_means
from lit_clid.judging.pooled import Pooled, pool
from lit_clid.judging.roc import Statistic, auroc, curve, tpr_at_fpr

STATISTICS: dict[str, Statistic] = {"auroc": auroc, "tpr_at_1": tpr_at_fpr(0.01)}


@dataclass(frozen=True)
class Drawn:
    """A figure on a model's records, and on their bootstrap replicates (R,)."""

    value: float
    replicates: np.ndarray

    def minus(self, other: "Drawn") -> "Drawn":
        return Drawn(self.value - other.value, self.replicates - other.replicates)


@dataclass(frozen=True)
class Asked:
    """A model with the `STATISTICS` of each attack, computed once."""

    model: Measured
    attacks: Mapping[str, Mapping[str, Drawn]]

    @property
    def members(self) -> int:
        """How many of its records are members."""
        return int(self.model.member.sum())

    @property
    def holdouts(self) -> int:
        """How many of its records are not."""
        return int((~self.model.member).sum())

    def pairs_with(self, other: "Asked") -> bool:
        """True if both were asked about the same records, so that their figures can be paired."""
        mine, theirs = self.model, other.model
        return mine.ids == theirs.ids and bool((mine.member == theirs.member).all())


def draw(model: Measured, attacks: Sequence[str]) -> Asked:
    """Take the statistics of each attack on a model and on its replicates."""
    return Asked(model, {attack: _statistics(model, attack) for attack in attacks})


def _statistics(model: Measured, attack: str) -> dict[str, Drawn]:
    """Equal seeds of cells resample equal records, which pairs two defenses."""
    score = model.scores[attack]
    roc = curve(score, model.member)
    drawn = replicate(STATISTICS, score, model.member, model.seed)
    return {name: Drawn(float(of(roc)), drawn[name]) for name, of in STATISTICS.items()}


def pool_drawn(drawn: Sequence[Drawn], smaller: int | None = None) -> Pooled:
    """Pool a figure of each run; `smaller` as in `pool`."""
    values = [each.value for each in drawn]
    replicates = [each.replicates for each in drawn]
    return pool(values, replicates, smaller)


def draw_mean(values: np.ndarray, seed: int) -> Drawn:
    """The mean of a run's values (H,); equal seeds resample equal records."""
    return Drawn(float(values.mean()), replicate_means(values, seed))


def draw_change(ours: np.ndarray, theirs: np.ndarray, seed: int) -> Drawn:
    """Mean of a run's values (H,) over that of another's of the same records, minus one."""
    ratio = replicate_means(ours, seed) / replicate_means(theirs, seed)
    return Drawn(float(ours.mean() / theirs.mean() - 1), ratio - 1)
