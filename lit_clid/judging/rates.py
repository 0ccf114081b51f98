"""Rates of records called members: at a capped FPR, and at a threshold that was fixed before.

At a cap f two things are uncertain: where among n hold-outs the threshold of FPR f lies, and the
rate of members above it. With a_j the members above the j-th largest hold-out (a_0 = 0,
a_{n+1} = m), j ~ Bin(n, f) says where the threshold lies, x ~ U[a_j, a_{j+1}] how many of the m
members lie above it, and θ ~ Beta(x + ½, m − x + ½) what rate that shows; an interval reaches from
the 2.5 to the 97.5 % quantile of θ. In simulations it covers 95 to 99 %, where a bootstrap covers
69 to 83 % if the cap allows one hold-out. At a threshold that was fixed without these records, both
rates have exact intervals (Clopper and Pearson 1934). Where records share images, m, n and every
count above a threshold are taken per image (a share of them each), as if the records of one image
were always called alike: no correlation within images makes them worth less.
"""

from dataclasses import dataclass

import numpy as np

from lit_clid.judging.evidence import TAIL, Estimate, Evidence, Unresolved, independent

FEWEST = 1
"""Hold-outs that a cap must allow for its rate to be shown."""
PLACES, WITHIN = 1000, 4
"""Quantiles of j, and points between a_j and a_{j+1}, that stand for their distributions."""
HALVINGS = 40
SLACK = 1e-9
"""Float error of a number of records that is whole."""
NO_SHADOW = Unresolved("no threshold without a shadow", shown="–")


@dataclass(frozen=True)
class Carried:
    """What a threshold of the shadow's does on the target's records.

    Args:
        threshold: larger scores are called members.
        tpr, fpr: rates of members and of hold-outs called so, in [0, 1], each with an exact 95 %
            interval.
    """

    threshold: float
    tpr: Estimate
    fpr: Estimate

    def as_json(self) -> dict[str, object]:
        return {
            "threshold": self.threshold,
            "tpr": self.tpr.as_json(),
            "fpr": self.fpr.as_json(),
        }


def can_show(records: int, cap: float, fewest: int = FEWEST) -> bool:
    """True if a cap allows so many of the records that its rate has an interval."""
    return records * cap >= fewest - SLACK


def capped_rate(
    score: np.ndarray, member: np.ndarray, cap: float, image: np.ndarray | None = None
) -> Evidence:
    """The TPR at the largest threshold set with FPR ≤ cap, and its 95 % interval.

    The TNR at a capped FNR is the same of `−score` and `~member`.

    Args:
        score: (N,), larger = more member-like.
        member: (N,) bool; they are the positive class.
        cap: in (0, 1).
        image: of each record (N,); None where each has its own.
    """
    ours, theirs = np.sort(score[member]), np.sort(score[~member])[::-1]
    m, n = len(ours), len(theirs)
    members, holdouts = independent(member, image)
    if not can_show(holdouts, cap):
        what = "records" if image is None else "images"
        return Unresolved(f"unresolved: {holdouts} {what} cannot show a rate of {cap:g}")
    above = np.concatenate([[0], m - np.searchsorted(ours, theirs, side="right"), [m]])
    allowed = int(n * cap + SLACK)
    value = float(above[allowed + 1] / m)
    if image is not None:
        places = np.arange(holdouts + 2) * (n + 1) / (holdouts + 1)
        above = np.interp(places, np.arange(n + 2), above) * members / m
    low, high = _quantiles(above, members, holdouts, cap)
    return Estimate(value, min(low, value), max(high, value))


def _quantiles(above: np.ndarray, m: int, n: int, cap: float) -> tuple[float, float]:
    """The 2.5 and the 97.5 % quantile of θ."""
    from scipy.special import betainc
    from scipy.stats import binom

    j = binom.ppf((np.arange(PLACES) + 0.5) / PLACES, n, cap).astype(int)
    steps = (np.arange(WITHIN) + 0.5) / WITHIN
    x = above[j][:, None] + (above[j + 1] - above[j])[:, None] * steps
    reached, counts = np.unique(x, return_counts=True)
    weights = counts / counts.sum()
    low, high = np.zeros(2), np.ones(2)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = weights @ betainc(reached[:, None] + 0.5, m - reached[:, None] + 0.5, middle)
        over = below >= (TAIL, 1 - TAIL)
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    found = (low + high) / 2
    return float(found[0]), float(found[1])


def exact_rate(reached: int, trials: int, images: int | None = None) -> Estimate:
    """A rate with its exact 95 % interval, that of so many images where records share them."""
    whole = trials if images is None else images
    low, high = exact_limits(reached * whole / trials, whole, TAIL)
    return Estimate(reached / trials, low, high)


def exact_limits(successes: float, trials: int, alpha: float) -> tuple[float, float]:
    """One-sided lower and upper limits of a rate, each with confidence 1 − α (Clopper and Pearson
    1934).
    """
    from scipy.special import betaincinv

    low, high = 0.0, 1.0
    if successes > 0:
        low = float(betaincinv(successes, trials - successes + 1, alpha))
    if successes < trials:
        high = float(betaincinv(successes + 1, trials - successes, 1 - alpha))
    return low, high


def carried_rates(
    score: np.ndarray,
    member: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray] | None,
    cap: float,
    image: np.ndarray | None = None,
) -> Carried | Unresolved:
    """The rates at the smallest threshold whose FPR on the shadow does not exceed the cap.

    Args:
        score: of the target's records (N,), larger = more member-like.
        member: (N,) bool.
        shadow: scores of the shadow's records (M,), and who is a member; None without a shadow.
        cap: of the FPR on the shadow, in (0, 1).
        image: of each of the target's records (N,); None where each has its own.
    """
    if shadow is None:
        return NO_SHADOW
    theirs = np.sort(shadow[0][~shadow[1]])[::-1]
    if not can_show(len(theirs), cap):
        few = f"unresolved: the shadow's {len(theirs)} hold-outs cannot show a rate of {cap:g}"
        return Unresolved(few)
    threshold = float(theirs[int(len(theirs) * cap + SLACK)])
    called = score > threshold
    members, holdouts = independent(member, image)
    return Carried(
        threshold,
        exact_rate(int(called[member].sum()), int(member.sum()), members),
        exact_rate(int(called[~member].sum()), int((~member).sum()), holdouts),
    )
