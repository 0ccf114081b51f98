"""Boosted trees, the rule that separates columns in whatever way the shadow shows (CLiD eq. 17–18).

The score is the margin of the trees' sum, the log-odds of being a member.
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

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "BoostedTrees":
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
