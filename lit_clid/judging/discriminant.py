"""A shrunken linear discriminant, the rule that weighs many correlated columns (stacking).

Classes share one covariance, shrunk towards its diagonal by as much as lowers its expected error
(Ledoit and Wolf 2004), so that more columns than the shadow has records do no harm. The score is
the log-odds of being a member, half the records being members.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lit_clid.judging.rule import Rule


@dataclass(frozen=True)
class Discriminant(Rule):
    """Linear discriminant analysis on columns of like scales.

    Args:
        centre, scale: mean and standard deviation of each column (F) on the shadow.
        model: scikit-learn's once fitted.
    """

    flexible: ClassVar[bool] = True
    needs_shadow: ClassVar[bool] = True
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    model: Any = None

    def fit(self, columns: np.ndarray, member: np.ndarray) -> "Discriminant":
        centre, spread = columns.mean(axis=0), columns.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        model = shrunken_discriminant().fit((columns - centre) / scale, member)
        return replace(
            self, centre=tuple(centre.tolist()), scale=tuple(scale.tolist()), model=model
        )

    def score(self, columns: np.ndarray) -> np.ndarray:
        scaled = (columns - np.array(self.centre)) / np.array(self.scale)
        odds: np.ndarray = self.model.decision_function(scaled)
        return odds

    def prior(self, columns: np.ndarray) -> None:
        return None

    def describe(self) -> str:
        return f"linear discriminant of {len(self.centre)} columns fitted on shadow"


def shrunken_discriminant() -> Any:
    """scikit-learn's, not fitted yet."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
