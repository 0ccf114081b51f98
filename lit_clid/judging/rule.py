"""What a rule is: signal columns (N, F) become one score (N,), larger = more member-like.

`fit` returns a fitted rule, `score` applies it; `prior` is the rule without a shadow, or None where
there is none. Everything fitted is fitted on shadow records.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np


class Rule(ABC):
    """Signals → score.

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
