"""The share: which fraction of the suspects the model was trained on, at least.

Suspects are a mixture: with share π of members, the rate of suspects below a threshold τ is
a = π·m + (1 − π)·b, where m and b are the rates of members and hold-outs below it. Since m ≥ 0,
π ≥ 1 − a/b, whatever members score.

With τ fixed beforehand, on the shadow, the bound takes the one-sided exact limits u₁ of a and l₂ of
b (Clopper and Pearson 1934) together, as MOVER does for a ratio (Donner and Zou 2012). Without one
it holds simultaneously over all τ, by the inequality of Dvoretzky, Kiefer and Wolfowitz for both
distributions. A shadow also tells what members score, which gives an interval:
π = (s − f)/(t − f₀) with the rates s of suspects, f of hold-outs, and t and f₀ of the shadow's
members and hold-outs, at or above its threshold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_clid.judging.evidence import TAIL, Estimate, Evidence, Unresolved
from lit_clid.judging.rates import exact_limits

ALPHA = 0.05
"""Error of the lower bound."""
LIKELY = 0.3
"""Share of members for which the shadow's threshold is chosen, fixed beforehand."""
DRAWS = 4000
NO_SHADOW = Unresolved("no shadow tells what members score")
NO_ATTACK = Unresolved("the shadow's members do not score higher than its hold-outs")


@dataclass(frozen=True)
class Share:
    """The fraction of suspects that the model was trained on, in [0, 1].

    Args:
        low: holds with 95 % confidence, 0 if nothing is shown.
        how: "threshold" with τ from the shadow, "all thresholds" without.
        between: an estimate with its 95 % interval, if the target's members score like the
            shadow's; unresolved without a shadow.
    """

    low: float
    how: str
    between: Evidence

    def as_json(self) -> dict[str, Any]:
        return {"lower_bound": self.low, "by": self.how, "estimate": self.between.as_json()}


def share(
    suspects: np.ndarray,
    holdouts: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray] | None = None,
) -> Share:
    """Bound the share of members among the suspects.

    Args:
        suspects: scores (M,).
        holdouts: scores (n,).
        shadow: scores of the shadow's records, and who is a member of its training.
    """
    if shadow is None:
        return Share(simultaneous_bound(suspects, holdouts), "all thresholds", NO_SHADOW)
    score, member = shadow
    threshold = best_threshold(score[member], score[~member])
    low = threshold_bound(suspects, holdouts, threshold)
    return Share(low, "threshold", _between(suspects, holdouts, score[member], score[~member]))


def threshold_bound(suspects: np.ndarray, holdouts: np.ndarray, threshold: float) -> float:
    """The lower bound at one threshold that was fixed without looking at these scores."""
    below, others = float((suspects < threshold).sum()), float((holdouts < threshold).sum())
    return _bound(below, len(suspects), others, len(holdouts))


def _bound(below: float, suspects: int, others: float, holdouts: int) -> float:
    """The lower bound where so many of the suspects and of the hold-outs lie below."""
    upper, lower = exact_limits(below, suspects, ALPHA)[1], exact_limits(others, holdouts, ALPHA)[0]
    if lower <= 0:
        return 0.0
    a, b = below / suspects, others / holdouts
    inside = (a * b) ** 2 - upper * lower * (2 * a - upper) * (2 * b - lower)
    ratio = (a * b + np.sqrt(max(0.0, inside))) / (lower * (2 * b - lower))
    return float(np.clip(1 - ratio, 0.0, 1.0))


def best_threshold(members: np.ndarray, holdouts: np.ndarray) -> float:
    """The threshold at which the bound would be largest for a set of the hold-outs' size of which
    a share of `LIKELY` are members.
    """
    candidates = np.unique(np.quantile(holdouts, np.linspace(0.05, 0.95, 46)))
    bounds: list[float] = []
    for each in candidates:
        inside, outside = float((members < each).mean()), float((holdouts < each).mean())
        mixed = LIKELY * inside + (1 - LIKELY) * outside
        count = len(holdouts)
        bounds.append(_bound(count * mixed, count, count * outside, count))
    return float(candidates[int(np.argmax(bounds))])


def simultaneous_bound(suspects: np.ndarray, holdouts: np.ndarray) -> float:
    """The largest lower bound over all thresholds, each distribution within its DKW band."""
    ours, theirs = (float(np.sqrt(np.log(2 / ALPHA) / (2 * len(x)))) for x in (suspects, holdouts))
    candidates = np.unique(np.concatenate([suspects, holdouts]))
    a = np.searchsorted(np.sort(suspects), candidates, side="left") / len(suspects) + ours
    b = np.searchsorted(np.sort(holdouts), candidates, side="left") / len(holdouts) - theirs
    ratios = np.divide(a, b, out=np.ones_like(a), where=b > 0)
    return float(np.clip(1 - ratios.min(initial=1.0), 0.0, 1.0))


def _between(
    suspects: np.ndarray, holdouts: np.ndarray, members: np.ndarray, others: np.ndarray
) -> Evidence:
    """π with its 95 % interval, at the shadow's threshold of best balanced accuracy; all four rates
    are drawn from their posteriors under Jeffreys' prior.
    """
    candidates = np.unique(others)
    ours, theirs = (np.searchsorted(np.sort(scores), candidates) for scores in (members, others))
    above = (len(members) - ours) / len(members) - (len(others) - theirs) / len(others)
    threshold = candidates[int(np.argmax(above))]
    rng = np.random.default_rng(0)

    def drawn(scores: np.ndarray) -> np.ndarray:
        reached = int((scores >= threshold).sum())
        return rng.beta(reached + 0.5, len(scores) - reached + 0.5, DRAWS)

    s, f, t = drawn(suspects), drawn(holdouts), drawn(members)
    span = t - drawn(others)
    if np.quantile(span, TAIL) <= 0:
        return NO_ATTACK
    low, value, high = np.quantile((s - f) / span, (TAIL, 0.5, 1 - TAIL))
    clipped = np.clip((value, low, high), 0.0, 1.0)
    return Estimate(*map(float, clipped))
