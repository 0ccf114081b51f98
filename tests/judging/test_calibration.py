"""Rules and thresholds learn from shadow only."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tables import clid_columns, normal_scores

from lit_clid.judging.calibration import best_threshold, calibrate, cross_fitted
from lit_clid.judging.rules import RULES, RobustMix
from lit_clid.judging.trees import BoostedTrees


@pytest.mark.parametrize("name", sorted(RULES))
def test_nothing_of_the_target_enters_the_fit(name: str) -> None:
    """A score depends on its record and the shadow: not on neighbours, not on labels."""
    shadow = clid_columns(0, 1.0)
    columns, _ = clid_columns(1, 1.0)
    together = calibrate(RULES[name], columns, shadow)
    alone = calibrate(RULES[name], columns[:3], shadow)
    assert together is not None
    assert alone is not None
    np.testing.assert_array_equal(together.score[:3], alone.score)
    assert together.threshold == alone.threshold


def test_without_a_shadow_there_is_no_threshold() -> None:
    columns, _ = clid_columns(1, 1.0)
    assert calibrate(BoostedTrees(), columns, None) is None
    verdict = calibrate(RobustMix(), columns, None)
    assert verdict is not None
    assert (verdict.threshold, "alpha = 0.9" in verdict.rule) == (None, True)


def test_no_shadow_record_is_graded_by_a_fit_that_saw_it() -> None:
    """On pure noise a classifier looks good on its training rows; cross-fitted it does not."""
    columns, member = clid_columns(3, 0.0)
    seen = BoostedTrees().fit(columns, member).score(columns)
    assert roc_auc_score(member, seen) > 0.75
    # 200 + 200 records: standard error of an uninformative AUROC 0.029
    assert abs(roc_auc_score(member, cross_fitted(BoostedTrees(), columns, member)) - 0.5) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_best(seed: int) -> None:
    score, member = normal_scores(30, 30, 0.7, seed, 1)

    def accuracy(threshold: float) -> float:
        return float(np.mean(score[member] >= threshold) + np.mean(score[~member] < threshold)) / 2

    best = max(accuracy(t) for t in [*np.unique(score), np.inf])
    assert accuracy(best_threshold(score, member)) == pytest.approx(best)
