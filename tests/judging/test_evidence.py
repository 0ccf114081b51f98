"""Exact rates, and intervals that cover."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tables import normal_scores

from lit_clid.judging import evidence
from lit_clid.judging.evidence import (
    Figure,
    auroc,
    curve,
    estimate,
    pool,
    replicate_means,
    tnr_at_fnr,
    tpr_at_fpr,
)


def test_a_constant_score_recognises_nobody() -> None:
    member = np.arange(20) < 10
    roc = curve(np.zeros(20), member)
    assert (auroc(roc), tpr_at_fpr(0.1)(roc), tnr_at_fnr(0.1)(roc)) == (0.5, 0, 0)


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
        (evidence.best_accuracy, 0.6915, 150, 0.75),
    ],
    ids=["auroc", "tpr@10%", "tpr@1%", "best accuracy"],
)
def test_intervals_cover(
    statistic: evidence.Statistic,
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
        assert figure.low is not None
        assert figure.high is not None
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
    assert pair.low is not None
    assert pair.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert pair.high - pair.low < (alone.high - alone.low) / 2
    assert evidence.paired_auroc_difference(score, score, member) == Figure(0.0, 0.0, 0.0)


def coverage(
    draw: Callable[[np.random.Generator], float], interval: Callable[..., tuple[float, float]]
) -> float:
    hits = []
    for trial in range(300):
        dice = np.random.default_rng(trial)
        low, high = interval(dice)
        hits.append(low <= draw(dice) <= high)
    return float(np.mean(hits))


def test_pooled_intervals_cover_the_truth() -> None:
    """Over records: given the runs. Over runs: where every run has a mean of its own."""

    def over_records(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(size=100) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        return found.low, found.high

    def over_runs(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(dice.normal(), size=50) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        assert found.run_low is not None and found.run_high is not None
        return found.run_low, found.run_high

    assert 0.90 <= coverage(lambda _: 0.0, over_records) <= 0.99
    assert 0.91 <= coverage(lambda _: 0.0, over_runs) <= 0.99
