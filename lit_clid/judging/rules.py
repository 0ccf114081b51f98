"""Rules: how an attack's signal columns (N, F) become one score (N,).

Everything fitted is fitted on shadow records.

`fit` returns a fitted rule, `score` applies it; `prior` is the rule without a shadow, or None where
there is none. Scales are S(a) = (a − median) / IQR, column by column.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lit_clid.errors import UserError
from lit_clid.judging.roc import auroc, curve


class Rule(ABC):
    """Signals → score; larger = more member-like.

    `flexible` says that a fit looks much better on the records it saw than on others, so that its
    threshold has to be taken from cross-fitted scores; `needs_shadow` that there is no prior.
    """

    flexible: ClassVar[bool] = False
    needs_shadow: ClassVar[bool] = False

    @abstractmethod
    def fit(self, columns: np.ndarray, member: np.ndarray) -> "Rule":
        """Fit on shadow records: columns (N, F), member (N,)."""

    @abstractmethod
    def score(self, columns: np.ndarray) -> np.ndarray:
        """Score records: (N, F) → (N,)."""

    @abstractmethod
    def prior(self, columns: np.ndarray) -> "Rule | None":
        """The rule to use without a shadow; it may look at the columns, never at the labels."""

    def describe(self) -> str:
        """What was fitted, for the report."""
        return "the signal itself"

    def check(self) -> None:
        """Raise UserError if a package the rule needs is missing."""


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


@dataclass(frozen=True)
class BoostedTrees(Rule):
    """Boosted trees on all columns; the defaults are CLiD_vec's (CLiD eq. 17–18).

    Args:
        trees, depth: how many and how deep.
        gamma: least gain of a split, ≥ 0.
        share: of rows, and of columns, that each tree sees, in (0, 1].
        l1, l2: penalties on the leaves' weights, ≥ 0.
        model: XGBoost's classifier once fitted.
    """

    flexible: ClassVar[bool] = True
    needs_shadow: ClassVar[bool] = True
    trees: int = 20
    depth: int = 3
    gamma: float = 0.7
    share: float = 0.7
    l1: float = 1.0
    l2: float = 1.0
    model: Any = None

    def check(self) -> None:
        try:
            import xgboost  # noqa: F401
        except ImportError:
            raise UserError(
                "attacks: clid_vec and gsa are boosted trees: pip install 'lit-clid[vec]', or "
                "leave them out"
            ) from None

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "BoostedTrees":
        self.check()
        from xgboost import XGBClassifier

        model = XGBClassifier(
            n_estimators=self.trees,
            max_depth=self.depth,
            gamma=self.gamma,
            subsample=self.share,
            colsample_bytree=self.share,
            reg_alpha=self.l1,
            reg_lambda=self.l2,
            random_state=0,
            n_jobs=1,
        )
        return replace(self, model=model.fit(columns, member.astype(int)))

    def score(self, columns: np.ndarray) -> np.ndarray:
        margin: np.ndarray = self.model.predict(columns, output_margin=True).astype(np.float64)
        return margin

    def prior(self, columns: np.ndarray) -> None:
        return None

    def describe(self) -> str:
        return f"{self.trees} trees of depth {self.depth} fitted on shadow"


RULES: dict[str, Rule] = {
    "first": First(),
    "robust_mix": RobustMix(),
    "scaled_mean": ScaledMean(),
    "boosted_trees": BoostedTrees(),
    "many_trees": BoostedTrees(
        trees=200, depth=6, gamma=0.0, share=1.0, l1=0.0
    ),  # GSA: XGBoost's own defaults
}
