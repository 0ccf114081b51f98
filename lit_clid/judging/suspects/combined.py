"""The set by all signals at once, where no shadow says how to weigh them.

A shrunken linear discriminant (Ledoit and Wolf 2004) is fitted on four fifths of suspects and
hold-outs and scores the rest; the statistic is the mean AUROC over the folds. Its folds depend on
each other, so that no formula gives its distribution (CDI's Welch test errs at small levels): the
labels are permuted and the whole fit is repeated, which is exact however many signals there are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lit_clid.judging.discriminant import shrunken_discriminant
from lit_clid.judging.maximum import SLACK
from lit_clid.judging.roc import auroc, curve

FOLDS = 5
PERMUTATIONS = 199


@dataclass(frozen=True)
class Combined:
    """The test of all signals together.

    Args:
        p: in (0, 1].
        permutations: that it rests on.
        auroc: mean over the folds of suspects against hold-outs, in [0, 1].
        signals: how many there were.
    """

    p: float
    permutations: int
    auroc: float
    signals: int

    def as_json(self) -> dict[str, Any]:
        return {
            "p": self.p,
            "permutations": self.permutations,
            "cross_fitted_auroc": self.auroc,
            "signals": self.signals,
        }


def combined_test(
    suspects: np.ndarray, holdouts: np.ndarray, permutations: int | None = None, seed: int = 0
) -> Combined | None:
    """Test whether any combination of the signals tells suspects from hold-outs.

    Args:
        suspects: signals (M, F).
        holdouts: signals (n, F).
        permutations: of the labels; `PERMUTATIONS` by default.
        seed: of folds and permutations.

    Returns:
        None with fewer than four records of either kind: nothing can be left out for scoring.
    """
    if min(len(suspects), len(holdouts)) < 4:
        return None
    permutations = permutations or PERMUTATIONS
    both = np.concatenate([suspects, holdouts])
    spread = both.std(axis=0)
    columns = (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    label = np.arange(len(both)) < len(suspects)
    value = cross_fitted_auroc(columns, label, seed)
    rng = np.random.default_rng(seed)
    chance = [
        cross_fitted_auroc(columns, rng.permutation(label), seed) for _ in range(permutations)
    ]
    reached = int((np.array(chance) >= value - SLACK).sum())
    return Combined((1 + reached) / (1 + permutations), permutations, value, both.shape[1])


def cross_fitted_auroc(columns: np.ndarray, label: np.ndarray, seed: int) -> float:
    """Mean over folds of the AUROC of a discriminant fitted on the others.

    Args:
        columns: (N, F), on like scales.
        label: (N,) bool.
        seed: of the folds.
    """
    from sklearn.model_selection import StratifiedKFold

    smallest = int(min(label.sum(), (~label).sum()))
    folds = StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=seed)
    found: list[float] = []
    for train, test in folds.split(columns, label):
        rule = shrunken_discriminant().fit(columns[train], label[train])
        score = rule.decision_function(columns[test])
        if 0 < label[test].sum() < len(test):
            found.append(float(auroc(curve(score, label[test]))))
    return float(np.mean(found))
