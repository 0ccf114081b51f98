"""The set: was the model trained on the collection at all?

Each suspect and each hold-out gives one number, and the mean over the suspects is compared with
means over as many records drawn at random from both kinds: an exact permutation test, whatever the
number. With a shadow on which larger scores are the members' it is log(1 − π₀ + π₀·r(s)), where r
is the shadow's ratio of the densities of members and hold-outs and π₀ the share that the test is
tuned for: the most powerful statistic against a set of which a part was trained on. Otherwise it
is the rank of the score (Wilcoxon 1945). Welch's test, of CDI (Dubiński et al. 2024), stands beside
it for comparison; it is approximate.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_clid.judging.many import MANY
from lit_clid.judging.maximum import SLACK, midranks

PERMUTATIONS = 9_999
MOST = 200_000_000
"""Most numbers drawn for permutations; larger sets get fewer of them, at least `FEWEST`."""
FEWEST = 999
SOME = 1000
"""Records of a kind whose places are drawn though there are very many of the other."""
SHARE = 0.2
"""π₀, fixed beforehand."""
LARGEST = 6.0
"""Most that |log r| may be."""
POWER, LEVEL = 0.9, 0.01
SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)
"""Numbers of suspects whose power is told."""


@dataclass(frozen=True)
class SetTest:
    """Is the collection in the training data?

    Args:
        p: of the permutation test, in (0, 1].
        permutations: that it rests on; p is at least 1 / (1 + them).
        statistic: what was averaged, in words.
        effect: mean over suspects minus mean over hold-outs, in standard deviations of the
            hold-outs; None where these do not vary.
        welch: one-sided p of Welch's test on the scores, for comparison; None where they do not.
        needed: how many suspects such as these give power 0.9 at α = 0.01 beside these hold-outs;
            None if no number does.
        powers: power at α = 0.01 of `SIZES` suspects such as these; nothing where there is one.
    """

    p: float
    permutations: int
    statistic: str
    effect: float | None
    welch: float | None
    needed: int | None
    powers: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "p": self.p,
            "permutations": self.permutations,
            "statistic": self.statistic,
            "effect_size": self.effect,
            "welch_p": self.welch,
            "suspects_for_power_0.9_at_0.01": self.needed,
            "power_at_0.01": {str(m): found for m, found in zip(SIZES, self.powers, strict=False)},
        }


def set_test(
    suspects: np.ndarray,
    holdouts: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
    permutations: int | None = None,
) -> SetTest:
    """Test whether the suspects score higher than the hold-outs.

    Args:
        suspects: scores (M,).
        holdouts: scores (n,), at least two of them.
        shadow: scores of the shadow's records, and who is a member of its training.
        seed: of the permutations.
        permutations: of the labels; by default `PERMUTATIONS`, fewer for large sets.
    """
    both = np.concatenate([suspects, holdouts])
    fitted = None if shadow is None else evidence_of(both, shadow)
    if fitted is not None:
        values, statistic = fitted, "log likelihood ratio fitted on the shadow"
    else:
        values, statistic = midranks(both), "ranks"
    ours, theirs = values[: len(suspects)], values[len(suspects) :]
    p, permutations = permuted_p(ours, theirs, seed, permutations)
    spread = float(holdouts.std(ddof=1))
    effect = float(suspects.mean() - holdouts.mean()) / spread if spread > 0 else None
    found = power(ours, theirs, np.array(SIZES)) if len(ours) > 1 else np.array([])
    return SetTest(
        p=p,
        permutations=permutations,
        statistic=statistic,
        effect=effect,
        welch=welch_p(suspects, holdouts),
        needed=needed(ours, theirs),
        powers=tuple(np.round(found, 4).tolist()),
    )


def evidence_of(scores: np.ndarray, shadow: tuple[np.ndarray, np.ndarray]) -> np.ndarray | None:
    """log(1 − π₀ + π₀·r(s)) of every score (N,); None as `log_ratio`."""
    ratio = log_ratio(scores, shadow)
    return None if ratio is None else np.log1p(SHARE * np.expm1(ratio))


def log_ratio(scores: np.ndarray, shadow: tuple[np.ndarray, np.ndarray]) -> np.ndarray | None:
    """log r(s) of every score (N,), r by logistic regression on the shadow's, at most `LARGEST`
    either way; None where larger scores are not those of the shadow's members.
    """
    from sklearn.linear_model import LogisticRegression

    seen, member = shadow
    centre, spread = float(np.median(seen)), float(seen.std()) or 1.0
    known, asked = ((each[:, None] - centre) / spread for each in (seen, scores))
    fitted = LogisticRegression(class_weight="balanced").fit(known, member)
    if fitted.coef_[0, 0] <= 0:
        return None
    found: np.ndarray = np.clip(fitted.decision_function(asked), -LARGEST, LARGEST)
    return found


def permuted_p(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0, permutations: int | None = None
) -> tuple[float, int]:
    """One-sided p that the mean of `ours` (M,) is larger than chance, and of how many permutations.

    p = (1 + permutations with a mean as large) / (1 + permutations) (Phipson and Smyth 2010).
    """
    both = np.concatenate([ours, theirs])
    rng = np.random.default_rng(seed)
    found = ours.sum() - SLACK * max(1.0, float(np.abs(both).sum()))
    if len(both) >= MANY:
        count = permutations or PERMUTATIONS
        return (1 + _reached(both, len(ours), found, count, rng)) / (1 + count), count
    count = permutations or min(PERMUTATIONS, max(FEWEST, MOST // len(both)))
    block = max(1, 4_000_000 // len(both))
    reached = 0
    for start in range(0, count, block):
        rows = min(block, count - start)
        places = np.argpartition(rng.random((rows, len(both))), len(ours) - 1, axis=1)
        reached += int((both[places[:, : len(ours)]].sum(axis=1) >= found).sum())
    return (1 + reached) / (1 + count), count


def _reached(
    both: np.ndarray, size: int, found: float, count: int, rng: np.random.Generator
) -> float:
    """How many of so many sums over `size` of the values are as large, among very many values.

    Where either kind has few, its places are drawn; else sums are normal, and the number is the
    expected one (the variance: Cochran 1977, § 2).
    """
    from scipy.stats import norm

    every, fewer = len(both), min(size, len(both) - size)
    total = float(both.sum())
    if fewer <= SOME:
        sums = [float(both[rng.choice(every, fewer, replace=False)].sum()) for _ in range(count)]
        drawn = np.array(sums)
        return int(((drawn if fewer == size else total - drawn) >= found).sum())
    spread = np.sqrt(both.var() * size * (every - size) / (every - 1))
    return count * float(norm.sf((found - total * size / every) / max(spread, 1e-300)))


def welch_p(suspects: np.ndarray, holdouts: np.ndarray) -> float | None:
    """One-sided p of Welch's t test (1947); None where nothing varies."""
    from scipy.stats import ttest_ind

    if len(suspects) < 2 or suspects.std() + holdouts.std() == 0:
        return None
    return float(ttest_ind(suspects, holdouts, equal_var=False, alternative="greater").pvalue)


def power(ours: np.ndarray, theirs: np.ndarray, suspects: np.ndarray) -> np.ndarray:
    """Power at α = 0.01 of the test with so many suspects (K,) such as `ours`, beside `theirs`.

    By the normal approximation: under the null hypothesis the difference of means has the variance
    of the hold-outs' values.
    """
    from scipy.stats import norm

    gap = float(ours.mean() - theirs.mean())
    null = np.sqrt(theirs.var() * (1 / suspects + 1 / len(theirs)))
    alternative = np.sqrt(ours.var() / suspects + theirs.var() / len(theirs))
    critical = norm.ppf(1 - LEVEL) * null
    found: np.ndarray = norm.cdf((gap - critical) / np.maximum(alternative, 1e-300))
    return found


def needed(ours: np.ndarray, theirs: np.ndarray, most: int = 1_000_000) -> int | None:
    """The fewest suspects such as `ours` with power 0.9 at α = 0.01; None beyond `most`."""
    if len(ours) < 2 or ours.mean() <= theirs.mean():
        return None
    counts = np.unique(np.geomspace(1, most, 2000).astype(int))
    enough = np.flatnonzero(power(ours, theirs, counts) >= POWER)
    return int(counts[enough[0]]) if len(enough) else None
