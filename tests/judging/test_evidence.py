"""Intervals that cover, and figures that cannot be given."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from tables import normal_scores

from lit_clid.judging import evidence
from lit_clid.judging.evidence import Estimate, Unresolved, auroc_bound, estimate
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


def covered(
    statistics: dict[str, Statistic], truths: Sequence[float], n: int, worlds: int
) -> np.ndarray:
    """Share of worlds whose intervals hold the truths: N(1, 1) against N(0, 1), n + n records."""
    hits = []
    for seed in range(worlds):
        score, member = normal_scores(n, n, 1.0, seed)
        figures = estimate(statistics, score, member).values()
        pairs = zip(figures, truths, strict=True)
        hits.append([figure.low <= truth <= figure.high for figure, truth in pairs])
    return np.mean(hits, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistics", "truths", "n"),
    [
        ({"auroc": auroc, "tpr@10%": tpr_at_fpr(0.1)}, (0.76025, 0.38914), 150),
        ({"tpr@1%": tpr_at_fpr(0.01)}, (0.09236,), 256),
    ],
    ids=["auroc, tpr@10%", "tpr@1%"],
)
def test_intervals_cover_as_often_as_they_say(
    statistics: dict[str, Statistic],
    truths: tuple[float, ...],
    n: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nominal 95 %; 5000 worlds and more gave 94.2, 95.6 and 95.0 %. 2000 worlds have a binomial
    standard error of 0.5 %.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    for share in covered(statistics, truths, n, 2000):
        assert 0.93 <= share <= 0.97


@pytest.mark.slow
def test_intervals_cover_nine_in_ten_at_the_fewest_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a cap allows two hold-outs the bootstrap has little to resample: 300 worlds gave 94 %,
    and 89 % with a larger gap. With one hold-out it is 81 to 85 %, and not shown. Their binomial
    standard error is 1.8 %.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    (share,) = covered({"x": tpr_at_fpr(0.01)}, (0.09236,), 200, 300)
    assert share >= 0.84


@pytest.mark.slow
def test_the_interval_of_a_best_accuracy_covers_mostly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A maximum over noisy thresholds is optimistic: in 2000 worlds its interval covered 81 %;
    300 have a binomial standard error of 2.3 %.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    (share,) = covered({"x": best_accuracy}, (0.6915,), 150, 300)
    assert share >= 0.75


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_upper_bound_covers_nineteen_times_in_twenty(
    shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    truth, worlds = norm.cdf(shift / 2**0.5), 300
    bounds = [auroc_bound(*normal_scores(64, 64, shift, seed))[1] for seed in range(worlds)]
    slack = 3 * (0.95 * 0.05 / worlds) ** 0.5
    assert np.mean(np.array(bounds) >= truth) == pytest.approx(0.95, abs=slack)


def test_the_upper_bound_of_a_hopeless_score_is_not_zero() -> None:
    member = np.arange(20) < 10
    value, upper = auroc_bound(-member.astype(float), member)
    assert value == 0.0
    assert upper == pytest.approx(1 - 0.05**0.1)


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
