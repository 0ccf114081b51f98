"""Intervals that cover, and figures that cannot be given."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tables import normal_scores

from lit_clid.judging import evidence
from lit_clid.judging.evidence import Estimate, Unresolved, estimate
from lit_clid.judging.roc import Statistic, auroc, best_accuracy, curve, tpr_at_fpr


def test_replicates_equal_explicit_resampling() -> None:
    score, member = normal_scores(30, 40, 0.5, 1, 1)
    weights = np.concatenate(list(evidence.replicate_weights(member, 50, 0)))
    assert (weights[:, member].sum(1) == 30).all()
    assert (weights[:, ~member].sum(1) == 40).all()
    by_weight = auroc(curve(score, member, weights))
    for w, value in zip(weights.astype(int), by_weight, strict=True):
        rows = np.repeat(np.arange(70), w)
        assert value == pytest.approx(roc_auc_score(member[rows], score[rows]), abs=1e-12)


@pytest.mark.parametrize(
    ("statistic", "truth", "n", "least"),
    [
        (auroc, 0.7602, 150, 0.92),
        (tpr_at_fpr(0.1), 0.3891, 150, 0.91),
        (tpr_at_fpr(0.01), 0.0924, 256, 0.88),
        (best_accuracy, 0.6915, 150, 0.75),
    ],
    ids=["auroc", "tpr@10%", "tpr@1%", "best accuracy"],
)
def test_intervals_cover(
    statistic: Statistic,
    truth: float,
    n: int,
    least: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """N(1, 1) against N(0, 1), n + n records, 300 worlds: nominal 95 %, binomial error ±2.5 % (two
    standard errors).

    At FPR 1 % of 256 hold-outs the threshold rests on three records and the bootstrap covers 91–93
    %. The best accuracy is a maximum over noisy thresholds, hence optimistic; its interval is only
    asked to cover most of the time.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    hits = 0
    for seed in range(300):
        score, member = normal_scores(n, n, 1.0, seed)
        figure = estimate({"x": statistic}, score, member)["x"]
        hits += figure.low <= truth <= figure.high
    assert hits / 300 >= least


def test_a_perfect_score_is_not_certainty() -> None:
    member = np.arange(60) < 30
    figure = estimate({"auroc": auroc}, member.astype(float), member)["auroc"]
    assert figure.low == pytest.approx(0.025 ** (1 / 30))
    assert (figure.value, figure.high) == (1.0, 1.0)


def test_paired_difference_is_sharper_than_unpaired() -> None:
    score, member = normal_scores(200, 200, 1.0, 5)
    rng = np.random.default_rng(0)
    noisy = score + 0.3 * rng.normal(size=len(score))
    pair = evidence.paired_auroc_difference(score, noisy, member)
    alone = estimate({"a": auroc}, score, member)["a"]
    assert pair.high - pair.low < (alone.high - alone.low) / 2
    assert evidence.paired_auroc_difference(score, score, member) == Estimate(0.0, 0.0, 0.0)


def test_an_interval_excludes_what_lies_outside() -> None:
    found = Estimate(0.6, 0.5, 0.7)
    assert [found.excludes(value) for value in (0.49, 0.5, 0.7, 0.71)] == [True, False, False, True]


def test_estimates_and_unresolved_figures_have_the_same_keys() -> None:
    assert Estimate(0.6, 0.5, 0.7).as_json() == {"value": 0.6, "low": 0.5, "high": 0.7}
    missing = Unresolved("too few").as_json()
    assert missing == {"value": None, "low": None, "high": None, "note": "too few"}
