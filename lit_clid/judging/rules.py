"""The rules by name, and those that need nothing but arithmetic.

Scales are S(a) = (a − median) / IQR, column by column.
"""

from dataclasses import dataclass, replace

import numpy as np

from lit_clid.judging.discriminant import Discriminant
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.rule import Rule
from lit_clid.judging.trees import BoostedTrees


@dataclass(frozen=True)
class First(Rule):
    """The first column is the score; nothing to fit."""

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "First":
        return self

    def score(self, columns: np.ndarray) -> np.ndarray:
        return columns[:, 0]

    def prior(self, columns: np.ndarray) -> "First":
        return self


@dataclass(frozen=True)
class RobustMix(Rule):
    """CLiD_th (CLiD eq. 16): α·S(mean_i D_i) + (1 − α)·S(L) on columns (D_1…D_k, L).

    α is the value of {0, 0.1, …, 1} with the largest shadow AUROC; the prior is 0.9, best on the
    published scores.

    Args:
        alpha: weight of the discrepancy, in [0, 1].
        centre, scale: median and IQR of mean_i D_i and of L.
        fitted_on: the records they are of, in words.
    """

    alpha: float = 0.9
    centre: tuple[float, ...] = (0.0, 0.0)
    scale: tuple[float, ...] = (1.0, 1.0)
    fitted_on: str = ""

    def _scaled(self, columns: np.ndarray, fitted_on: str) -> "RobustMix":
        centre, scale = median_and_iqr(_discrepancy_and_likelihood(columns))
        return replace(self, centre=centre, scale=scale, fitted_on=fitted_on)

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "RobustMix":
        scaled = self._scaled(columns, "shadow")
        candidates = [replace(scaled, alpha=k / 10) for k in range(11)]
        return max(candidates, key=lambda rule: auroc(curve(rule.score(columns), member)))

    def score(self, columns: np.ndarray) -> np.ndarray:
        parts = _discrepancy_and_likelihood(columns)
        scaled = (parts - np.array(self.centre)) / np.array(self.scale)
        mixed: np.ndarray = scaled @ np.array([self.alpha, 1 - self.alpha])
        return mixed

    def prior(self, columns: np.ndarray) -> "RobustMix":
        return self._scaled(columns, "the audited records, without labels")

    def describe(self) -> str:
        return f"alpha = {self.alpha:.1f}, median and IQR of {self.fitted_on}"


def _discrepancy_and_likelihood(columns: np.ndarray) -> np.ndarray:
    """(D_1…D_k, L) (N, k + 1) → (mean_i D_i, L) (N, 2)."""
    return np.stack([columns[:, :-1].mean(1), columns[:, -1]], axis=1)


@dataclass(frozen=True)
class ScaledMean(Rule):
    """mean_j S(column_j), S fitted on shadow: every column has the same say.

    Args:
        centre, scale: median and IQR of each column (F).
        fitted_on: the records they are of, in words.
    """

    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    fitted_on: str = ""

    def _scaled(self, columns: np.ndarray, fitted_on: str) -> "ScaledMean":
        centre, scale = median_and_iqr(columns)
        return replace(self, centre=centre, scale=scale, fitted_on=fitted_on)

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "ScaledMean":
        return self._scaled(columns, "shadow")

    def score(self, columns: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (columns - np.array(self.centre)) / np.array(self.scale)
        return scaled.mean(1)

    def prior(self, columns: np.ndarray) -> "ScaledMean":
        return self._scaled(columns, "the audited records, without labels")

    def describe(self) -> str:
        return f"mean of the columns, each by median and IQR of {self.fitted_on}"


def median_and_iqr(columns: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Medians and interquartile ranges of columns (N, F); a range of zero counts as one."""
    low, median, high = np.percentile(columns, (25, 50, 75), axis=0)
    iqr = np.where(high > low, high - low, 1.0)
    return tuple(median.tolist()), tuple(iqr.tolist())


RULES: dict[str, Rule] = {
    "first": First(),
    "robust_mix": RobustMix(),
    "scaled_mean": ScaledMean(),
    "boosted_trees": BoostedTrees(),
    "many_trees": BoostedTrees(trees=200, depth=6, gamma=0.0, share=1.0, l1=0.0, bags=1),
    "discriminant": Discriminant(),
}
"""`many_trees` is GSA's: XGBoost's own defaults, which leave nothing to chance."""
