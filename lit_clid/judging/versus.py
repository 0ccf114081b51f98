"""Differences: of every attack from one of them on the same records, and of several runs from the
first.

Where two scores are of the same records their replicates resample the same ones, so that what the
records have in common drops out; otherwise replicates are independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lit_clid.errors import UserError, few
from lit_clid.judging.evidence import (
    Estimate,
    Evidence,
    Unresolved,
    independent,
    percentile_interval,
    replicate,
)
from lit_clid.judging.judge import Judgement
from lit_clid.judging.rates import can_show
from lit_clid.judging.roc import Statistic, auroc, curve, tpr_at_fpr

CAP = 0.1
"""The FPR at which rates are compared."""
FEWEST = 5
"""Hold-outs that it must allow: of fewer a bootstrap covers too rarely."""
FIGURES: dict[str, Statistic] = {"auroc": auroc, "tpr_at_fpr_0.1": tpr_at_fpr(CAP)}
"""What is compared, by name."""


@dataclass(frozen=True)
class Side:
    """One attack on one run's records.

    Args:
        score: (N,), larger = more member-like.
        judgement: of the run.
    """

    score: np.ndarray
    judgement: Judgement

    def points(self) -> dict[str, float]:
        roc = curve(self.score, self.judgement.target.member)
        return {name: float(figure(roc)) for name, figure in FIGURES.items()}

    def replicates(self, seed: int) -> dict[str, np.ndarray]:
        target = self.judgement.target
        return replicate(FIGURES, self.score, target.member, seed, target.cluster)

    @property
    def resolves(self) -> bool:
        """Whether there are hold-outs enough for a difference of rates."""
        target = self.judgement.target
        return can_show(independent(target.member, target.cluster)[1], CAP, FEWEST)


def versus(judgement: Judgement, baseline: str) -> dict[str, dict[str, Evidence]]:
    """Every other attack minus `baseline`, strongest first: figure → its paired difference.

    Args:
        judgement: of a target.
        baseline: one of its attacks.

    Raises:
        UserError: if it was not judged.
    """
    sides = {name: Side(grade.verdict.score, judgement) for name, grade in judgement.ranked}
    if baseline not in sides:
        raise UserError(
            f"baseline: {baseline!r} is none of the judged attacks: {few(list(sides), 40)}"
        )
    own = sides.pop(baseline)
    points, drawn = own.points(), own.replicates(0)
    return {
        name: _difference(side, side.replicates(0), own, points, drawn)
        for name, side in sides.items()
    }


def from_first(runs: Mapping[str, Judgement], attack: str) -> dict[str, dict[str, Evidence]]:
    """One attack in every other run minus the same in the first: figure → difference, by run.

    Args:
        runs: by name, two or more that have the attack.
        attack: its name.
    """
    (_, first), *others = runs.items()
    own = Side(first.grades[attack].verdict.score, first)
    points, drawn = own.points(), own.replicates(0)
    found: dict[str, dict[str, Evidence]] = {}
    for k, (name, judgement) in enumerate(others, 1):
        side = Side(judgement.grades[attack].verdict.score, judgement)
        seed = 0 if same_records(first, judgement) else k
        found[name] = _difference(side, side.replicates(seed), own, points, drawn)
    return found


def same_records(first: Judgement, second: Judgement) -> bool:
    """Whether two runs are graded on the same members and hold-outs."""
    one, other = first.target, second.target
    splits = {each.about.claims.split for each in (one, other) if each.about.claims is not None}
    alike = one.ids == other.ids and bool((one.member == other.member).all())
    return alike and len(splits) < 2


def _difference(
    side: Side,
    drawn: Mapping[str, np.ndarray],
    own: Side,
    points: Mapping[str, float],
    others: Mapping[str, np.ndarray],
) -> dict[str, Evidence]:
    """Side minus own, figure by figure."""
    found: dict[str, Evidence] = {}
    theirs = side.points()
    for name in FIGURES:
        if name != "auroc" and not (side.resolves and own.resolves):
            found[name] = Unresolved(f"too few hold-outs for a difference at an FPR of {CAP:g}")
            continue
        value = theirs[name] - points[name]
        spread: Estimate = percentile_interval(value, drawn[name] - others[name])
        found[name] = spread
    return found
