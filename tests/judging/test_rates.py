"""Rates of records called members: naive twins, and intervals that cover where few records are."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from tables import normal_scores

from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.rates import (
    Carried,
    capped_rate,
    carried_rates,
    exact_limits,
    exact_rate,
)
from lit_clid.judging.roc import curve, tpr_at_fpr


def rate(score: np.ndarray, member: np.ndarray, cap: float) -> Estimate:
    found = capped_rate(score, member, cap)
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize("digits", [9, 1, 0])
@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_the_curve_s(seed: int, digits: int) -> None:
    score, member = normal_scores(60, 120, 0.8, seed, digits)
    for cap in (0.1, 0.01):
        found = rate(score, member, cap)
        assert found.value == pytest.approx(float(tpr_at_fpr(cap)(curve(score, member))), abs=1e-12)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_constant_score_recognises_nobody() -> None:
    found = rate(np.zeros(200), np.arange(200) < 100, 0.1)
    assert found.value == 0 and found.low < 1e-4 and found.high < 0.05


def test_the_interval_is_that_of_draws() -> None:
    """The mixture of betas that is inverted is the one that is written down."""
    score, member = normal_scores(150, 200, 1.0, 3)
    ours, theirs = np.sort(score[member]), np.sort(score[~member])[::-1]
    above = np.concatenate([[0], [int((ours > each).sum()) for each in theirs], [150]])
    dice = np.random.default_rng(0)
    j = dice.binomial(200, 0.02, 200_000)
    x = dice.uniform(above[j], above[j + 1])
    drawn = np.quantile(dice.beta(x + 0.5, 150 - x + 0.5), (0.025, 0.975))
    found = rate(score, member, 0.02)
    assert (found.low, found.high) == pytest.approx(tuple(drawn), abs=0.01)


@pytest.mark.parametrize(("holdouts", "cap"), [(100, 0.01), (200, 0.01), (256, 0.01), (100, 0.1)])
@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_intervals_cover_where_the_cap_allows_few_records(
    holdouts: int, cap: float, shift: float
) -> None:
    """Nominal 95 %; 600 worlds of each gave 97 to 99 %, whose binomial standard error is 0.6 %."""
    truth = float(norm.cdf(norm.ppf(cap) + shift))
    inside = 0
    for seed in range(300):
        found = rate(*normal_scores(256, holdouts, shift, seed), cap)
        inside += found.low <= truth <= found.high
    assert inside >= 0.94 * 300


def test_exact_limits_equal_the_library_s() -> None:
    for k, n in ((0, 20), (7, 20), (20, 20), (3, 500)):
        theirs = binomtest(k, n).proportion_ci(0.9, method="exact")
        assert exact_limits(k, n, 0.05) == pytest.approx((theirs.low, theirs.high))
        both = binomtest(k, n).proportion_ci(0.95, method="exact")
        found = exact_rate(k, n)
        assert (found.low, found.high) == pytest.approx((both.low, both.high))


def test_a_carried_threshold_is_the_shadow_s() -> None:
    """It accuses as many of the shadow's hold-outs as the cap allows, and not one more."""
    shadow = normal_scores(300, 200, 1.0, 0)
    score, member = normal_scores(400, 1000, 1.0, 1)
    found = carried_rates(score, member, shadow, 0.05)
    assert isinstance(found, Carried)
    accused = shadow[0][~shadow[1]] > found.threshold
    assert accused.sum() == 10
    called = score > found.threshold
    assert found.tpr.value == called[member].mean()
    assert found.fpr.value == called[~member].mean()


def test_a_threshold_needs_a_shadow_that_can_show_it() -> None:
    score, member = normal_scores(50, 50, 1.0, 0)
    assert isinstance(carried_rates(score, member, None, 0.1), Unresolved)
    assert isinstance(carried_rates(score, member, (score, member), 0.01), Unresolved)
