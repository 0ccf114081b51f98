"""What so many records can show, and the ε that they exclude."""

import numpy as np
import pytest
from tables import normal_scores

from lit_clid.judging.epsilon import epsilon_bound
from lit_clid.judging.evidence import estimate
from lit_clid.judging.roc import auroc
from lit_clid.judging.showable import auroc_variance, smallest_auroc


def test_the_smallest_auroc_is_found_nine_times_in_ten() -> None:
    """Power 0.9 by design; 200 worlds have a binomial standard error of 2 %."""
    from scipy.stats import norm

    true = smallest_auroc(80, 120)
    assert true is not None
    shift = float(np.sqrt(2) * norm.ppf(true))
    found = 0
    for seed in range(200):
        score, member = normal_scores(80, 120, shift, seed)
        found += estimate({"auroc": auroc}, score, member)["auroc"].low > 0.5
    assert 0.84 <= found / 200 <= 0.96


def test_more_records_show_less() -> None:
    sizes = [smallest_auroc(n, n) for n in (10, 30, 100, 1000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    chosen = smallest_auroc(100, 100, critical=0.6)
    assert chosen is not None and chosen > (smallest_auroc(100, 100) or 1)


def test_the_variance_is_that_of_simulated_aurocs() -> None:
    aurocs = []
    for seed in range(2000):
        score, member = normal_scores(40, 60, 1.0, seed)
        above = score[member][:, None] > score[~member]
        aurocs.append(above.mean())
    expected = float(auroc_variance(np.array(0.76025), 40, 60))
    assert np.var(aurocs) == pytest.approx(expected, rel=0.15)


def randomised(records: int, epsilon: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Randomised response: the score is who is a member, told truly with odds e^ε."""
    dice = np.random.default_rng(seed)
    member = np.arange(records) < records // 2
    true = dice.random(records) < 1 / (1 + np.exp(-epsilon))
    return np.where(true, member, ~member) + dice.normal(0, 1e-3, records), member


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0])
def test_the_bound_of_randomised_response_holds(epsilon: float) -> None:
    """It may exceed the true ε in one audit of twenty; 200 have a standard error of 1.5 %."""
    wrong, found = 0, []
    for seed in range(200):
        score, member = randomised(1000, epsilon, seed)
        bound = epsilon_bound(score, member, randomised(1000, epsilon, seed + 500))
        found.append(bound.low)
        wrong += bound.low > epsilon
    assert wrong <= 0.05 * 200 + 6
    if epsilon:
        assert np.median(found) > 0.5 * epsilon


def test_delta_lowers_the_bound() -> None:
    score, member = randomised(1000, 2.0, 0)
    shadow = randomised(1000, 2.0, 1)
    plain, less = (epsilon_bound(score, member, shadow, delta).low for delta in (0.0, 0.3))
    assert 0 < less < plain
