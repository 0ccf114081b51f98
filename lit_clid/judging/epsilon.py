"""A lower bound of ε from what an attack achieves, to hold against the ε that a model was trained
with.

An attack on an (ε, δ)-private model has TPR ≤ e^ε·FPR + δ and TNR ≤ e^ε·FNR + δ (Kairouz et al.
2015). At a threshold that was chosen on the shadow, exact limits of both rates give
ε ≥ log((TPR − δ) / FPR), or the same of the hold-outs (Jagielski et al. 2020). The limits take the
records' calls for independent; within one training run they are so only roughly (Steinke et al.
2023), and private training promises its ε for every record, the bound speaks of the usual one.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from lit_clid.judging.calibration import Verdict
from lit_clid.judging.evidence import independent
from lit_clid.judging.rates import exact_limits
from lit_clid.judging.trials import Trial
from lit_clid.scores import Scores

ALPHA = 0.05
"""Error of the bound; each of its two rates has half of it."""


@dataclass(frozen=True)
class EpsilonBound:
    """A lower bound of ε.

    Args:
        low: holds with 95 % confidence, ≥ 0.
        delta: δ that it allows, in [0, 1).
        threshold: that the shadow chose.
        by: "members" where TPR against FPR gave it, "hold-outs" where TNR against FNR did.
    """

    low: float
    delta: float
    threshold: float
    by: str

    def as_json(self) -> dict[str, float | str]:
        return {
            "lower_bound": self.low,
            "delta": self.delta,
            "threshold": self.threshold,
            "by": self.by,
        }


def epsilon_bound(
    score: np.ndarray,
    member: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray],
    delta: float = 0.0,
    image: np.ndarray | None = None,
) -> EpsilonBound:
    """Bound ε from below on the target's records, at the threshold and on the side that bound it
    best on the shadow's.

    Args:
        score: of the target's records (N,), larger = more member-like.
        member: (N,) bool.
        shadow: scores of the shadow's records (M,), and who is a member.
        delta: δ, in [0, 1).
        image: of each of the target's records (N,); None where each has its own.
    """
    seen, known = shadow
    best, threshold, by = 0.0, float(np.median(seen)), "members"
    candidates = np.unique(np.quantile(seen, np.linspace(0.005, 0.995, 199)))
    counts = _called(seen, known, candidates)
    for each, above in zip(candidates.tolist(), counts, strict=True):
        for side in ("members", "hold-outs"):
            bound = _bound(above, known, side, delta)
            if bound > best:
                best, threshold, by = bound, each, side
    (above,) = _called(score, member, np.array([threshold]))
    low = _bound(above, member, by, delta, image)
    return EpsilonBound(low, delta, threshold, by)


def _called(score: np.ndarray, member: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many of the members, and of the hold-outs, lie above each threshold: (K, 2)."""
    counts: list[np.ndarray] = []
    for side in (member, ~member):
        ordered = np.sort(score[side])
        counts.append(len(ordered) - np.searchsorted(ordered, thresholds, side="right"))
    return np.stack(counts, axis=1)


def _bound(
    above: np.ndarray, member: np.ndarray, side: str, delta: float, image: np.ndarray | None = None
) -> float:
    """log((right − δ) / wrong) with the lower limit of `right`, the upper one of `wrong`; ≥ 0.

    Args:
        above: how many of the members and of the hold-outs lie above a threshold.
        side: "members" where those above are called, "hold-outs" where those below are.
    """
    records = np.array([member.sum(), (~member).sum()])
    kinds, called = np.array(independent(member, image)), above
    if side == "hold-outs":
        kinds, called, records = kinds[::-1], (records - above)[::-1], records[::-1]
    (right, wrong), (right_of, wrong_of) = (called / records * kinds).tolist(), kinds.tolist()
    lowest = exact_limits(right, right_of, ALPHA / 2)[0] - delta
    highest = exact_limits(wrong, wrong_of, ALPHA / 2)[1]
    return max(0.0, log(lowest / highest)) if lowest > 0 else 0.0


def epsilon_of(trial: Trial, verdict: Verdict, target: Scores) -> EpsilonBound | None:
    """The bound of ε, at the δ that the target was trained with."""
    shadow = trial.shadow_scores(verdict)
    if shadow is None or target.claim:
        return None
    training = target.about.training
    spent = None if training is None else training.privacy
    return epsilon_bound(
        verdict.score,
        target.member,
        shadow,
        0.0 if spent is None else spent.delta,
        target.cluster,
    )
