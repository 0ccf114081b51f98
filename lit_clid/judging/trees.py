"""Boosted trees, the rule that separates columns in whatever way the shadow shows (CLiD eq. 17–18).

The score is the margin of the trees' sum, the log-odds of being a member. Trees that see a random
share of rows and columns are one draw of a lottery at low false-positive rates, so that the margins
of `bags` such fits are averaged.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lit_clid.judging.rule import Rule


@dataclass(frozen=True)
class BoostedTrees(Rule):
    """Boosted trees on all columns; the defaults are CLiD_vec's (CLiD eq. 17–18).

    Args:
        trees, depth: how many and how deep.
        gamma: least gain of a split, ≥ 0.
        share: of rows, and of columns, that each tree sees, in (0, 1].
        l1, l2: penalties on the leaves' weights, ≥ 0.
        bags: fits, alike but for their seeds, whose margins are averaged.
        models: XGBoost's boosters once fitted.
    """

    flexible: ClassVar[bool] = True
    needs_shadow: ClassVar[bool] = True
    trees: int = 20
    depth: int = 3
    gamma: float = 0.7
    share: float = 0.7
    l1: float = 1.0
    l2: float = 1.0
    bags: int = 30
    models: tuple[Any, ...] = ()

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "BoostedTrees":
        import xgboost

        records = xgboost.QuantileDMatrix(columns, member.astype(int), nthread=1)
        options = {
            "objective": "binary:logistic",
            "max_depth": self.depth,
            "gamma": self.gamma,
            "subsample": self.share,
            "colsample_bytree": self.share,
            "alpha": self.l1,
            "lambda": self.l2,
            "nthread": 1,
        }
        seeds = range(self.bags)
        models = [xgboost.train({**options, "seed": s}, records, self.trees) for s in seeds]
        return replace(self, models=tuple(models))

    def score(self, columns: np.ndarray) -> np.ndarray:
        margins = [model.inplace_predict(columns, predict_type="margin") for model in self.models]
        return np.asarray(np.mean(margins, axis=0, dtype=np.float64))

    def prior(self, columns: np.ndarray) -> None:
        return None

    def describe(self) -> str:
        times = f", {self.bags} times, averaged" if self.bags > 1 else ""
        return f"{self.trees} trees of depth {self.depth} fitted on shadow{times}"
