"""Exact rates: limits, symmetries, and twins from libraries."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tables import normal_scores
from torchmetrics.classification import BinaryAUROC, BinaryROC

from lit_clid.judging.roc import auroc, best_accuracy, curve, tpr_at_fpr


def test_a_constant_score_recognises_nobody() -> None:
    member = np.arange(20) < 10
    roc = curve(np.zeros(20), member)
    assert (auroc(roc), tpr_at_fpr(0.1)(roc)) == (0.5, 0)


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
    assert best_accuracy(roc) == pytest.approx(best_accuracy(mirrored), abs=1e-12)


def naive_tpr_at_fpr(score: np.ndarray, member: np.ndarray, cap: float) -> float:
    thresholds = [np.inf, *np.unique(score)]
    allowed = [t for t in thresholds if np.mean(score[~member] >= t) <= cap + 1e-12]
    return max(float(np.mean(score[member] >= t)) for t in allowed)


def torchmetrics_auroc(score: np.ndarray, member: np.ndarray, **options: object) -> float:
    metric = BinaryAUROC(thresholds=None, **options)
    metric.update(torch.from_numpy(score), torch.from_numpy(member).int())
    return float(metric.compute())


def torchmetrics_rates(score: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(fpr, tpr) at every threshold, in float32."""
    metric = BinaryROC(thresholds=None, normalization=None)
    metric.update(torch.from_numpy(score), torch.from_numpy(member).int())
    fpr, tpr, _ = metric.compute()
    return fpr.numpy(), tpr.numpy()


@pytest.mark.parametrize("digits", [9, 1, 0])
@pytest.mark.parametrize("seed", range(4))
def test_figures_agree_with_naive_twins_and_torchmetrics(seed: int, digits: int) -> None:
    """Torchmetrics counts in float32: its rates are within 1e-6 of ours."""
    score, member = normal_scores(60, 90, 0.8, seed, digits)
    roc = curve(score, member)
    assert auroc(roc) == pytest.approx(roc_auc_score(member, score), abs=1e-12)
    theirs = torchmetrics_auroc(score, member, normalization=None)
    assert auroc(roc) == pytest.approx(theirs, abs=1e-6)
    fpr, tpr = torchmetrics_rates(score, member)
    np.testing.assert_allclose(roc.fpr, fpr, atol=1e-6)
    np.testing.assert_allclose(roc.tpr, tpr, atol=1e-6)
    for cap in (0.1, 0.01, 0.001):
        expected = naive_tpr_at_fpr(score, member, cap)
        assert tpr_at_fpr(cap)(roc) == pytest.approx(expected, abs=1e-12)


def test_the_hidden_sigmoid_is_a_trap_and_none_of_ours() -> None:
    """Scores far from 0 all become 1 under torchmetrics' default, in float32, and the AUROC ½."""
    score, member = normal_scores(200, 200, 1.0, 0)
    far = score + 100.0
    expected = roc_auc_score(member, score)
    assert auroc(curve(far, member)) == pytest.approx(expected, abs=1e-12)
    assert torchmetrics_auroc(far, member, normalization=None) == pytest.approx(expected, abs=1e-6)
    assert torchmetrics_auroc(far.astype(np.float32), member) == pytest.approx(0.5, abs=0.01)


def test_exact_cap_is_allowed() -> None:
    """One false positive in ten is an FPR of 0.1, which the cap 0.1 admits."""
    score, member = np.arange(20.0), np.array([False] * 9 + [True] * 10 + [False])
    assert tpr_at_fpr(0.1)(curve(score, member)) == 1
