"""Exact rates: limits and symmetries."""

import numpy as np
import pytest
from tables import normal_scores

from lit_clid.judging.roc import auroc, best_accuracy, curve, tnr_at_fnr, tpr_at_fpr


def test_a_constant_score_recognises_nobody() -> None:
    member = np.arange(20) < 10
    roc = curve(np.zeros(20), member)
    assert (auroc(roc), tpr_at_fpr(0.1)(roc), tnr_at_fnr(0.1)(roc)) == (0.5, 0, 0)


def test_order_does_not_matter() -> None:
    score, member = normal_scores(40, 50, 0.5, 0, 1)
    order = np.random.default_rng(0).permutation(len(score))
    one, other = curve(score, member), curve(score[order], member[order])
    np.testing.assert_array_equal(one.tpr, other.tpr)
    np.testing.assert_array_equal(one.fpr, other.fpr)


def test_a_rising_map_of_the_scores_changes_nothing() -> None:
    score, member = normal_scores(40, 50, 0.5, 0, 1)
    np.testing.assert_array_equal(curve(score, member).tpr, curve(np.exp(score), member).tpr)


def test_swapping_the_classes_mirrors_the_figures() -> None:
    score, member = normal_scores(40, 50, 0.5, 0, 1)
    roc, mirrored = curve(score, member), curve(-score, ~member)
    assert auroc(roc) == pytest.approx(auroc(mirrored), abs=1e-12)
    assert tpr_at_fpr(0.1)(roc) == pytest.approx(tnr_at_fnr(0.1)(mirrored), abs=1e-12)
    assert best_accuracy(roc) == pytest.approx(best_accuracy(mirrored), abs=1e-12)
