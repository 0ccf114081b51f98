"""The metrics of the training loop's library against naive twins."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tables import normal_scores
from torchmetrics.classification import BinaryAUROC

from lit_clid.judging.metrics import membership_figures, membership_metrics
from lit_clid.judging.roc import auroc, curve, tnr_at_fnr, tpr_at_fpr


def naive_tpr_at_fpr(score: np.ndarray, member: np.ndarray, cap: float) -> float:
    thresholds = [np.inf, *np.unique(score)]
    allowed = [t for t in thresholds if np.mean(score[~member] >= t) <= cap + 1e-12]
    return max(float(np.mean(score[member] >= t)) for t in allowed)


@pytest.mark.parametrize("digits", [9, 1, 0])
@pytest.mark.parametrize("seed", range(4))
def test_curve_and_torchmetrics_agree_with_naive_twins(seed: int, digits: int) -> None:
    score, member = normal_scores(60, 90, 0.8, seed, digits)
    found = membership_figures(torch.from_numpy(score), torch.from_numpy(member))
    roc = curve(score, member)
    assert auroc(roc) == pytest.approx(roc_auc_score(member, score), abs=1e-12)
    assert found["auroc"] == pytest.approx(roc_auc_score(member, score), abs=1e-6)
    for cap, name in ((0.1, "0_1"), (0.01, "0_01"), (0.001, "0_001")):
        expected = naive_tpr_at_fpr(score, member, cap)
        assert tpr_at_fpr(cap)(roc) == pytest.approx(expected, abs=1e-12)
        assert found[f"tpr_at_fpr_{name}"] == pytest.approx(expected, abs=1e-6)
        mirrored = naive_tpr_at_fpr(-score, ~member, cap)
        assert tnr_at_fnr(cap)(roc) == pytest.approx(mirrored, abs=1e-12)
        assert found[f"tnr_at_fnr_{name}"] == pytest.approx(mirrored, abs=1e-6)


def test_no_hidden_sigmoid() -> None:
    """Scores far from 0 would all become 1 under torchmetrics' default, and the AUROC ½."""
    score, member = normal_scores(200, 200, 1.0, 0)
    far = torch.from_numpy(score + 100.0)
    assert membership_figures(far, torch.from_numpy(member))["auroc"] == pytest.approx(
        roc_auc_score(member, score), abs=1e-6
    )
    trap = BinaryAUROC(thresholds=None)
    trap.update(far.float(), torch.from_numpy(member).int())
    assert float(trap.compute()) == pytest.approx(0.5, abs=0.01)  # the trap is real


def test_metric_names_have_no_dots() -> None:
    assert not [name for name in membership_metrics() if "." in name]


def test_exact_cap_is_allowed() -> None:
    """One false positive in ten is an FPR of 0.1, which the cap 0.1 admits, in float32 as well."""
    score, member = np.arange(20.0), np.array([False] * 9 + [True] * 10 + [False])
    assert tpr_at_fpr(0.1)(curve(score, member)) == 1
    assert (
        membership_figures(torch.from_numpy(score), torch.from_numpy(member))["tpr_at_fpr_0_1"] == 1
    )


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        membership_figures(torch.tensor([0.1, float("nan")]), torch.tensor([True, False]))
