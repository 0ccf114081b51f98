"""Very many records: replicates in bags spread figures as the exact bootstrap does."""

import numpy as np
import pytest
from scipy.stats import norm
from tables import normal_scores

from lit_clid.judging import evidence, many, maximum
from lit_clid.judging.evidence import Estimate, estimate, paired_auroc_difference
from lit_clid.judging.roc import Statistic, auroc, best_accuracy, curve, drawable, tpr_at_fpr
from lit_clid.judging.suspects import together
from lit_clid.judging.suspects.sequence import earlier

STATISTICS: dict[str, Statistic] = {
    "auroc": auroc,
    "accuracy": best_accuracy,
    "tpr": tpr_at_fpr(0.01),
}
SIMULATED = 0.06
"""Standard error of a 2.5 % quantile of 2000 normal replicates in their standard deviations:
√(0.025 · 0.975 / 2000) / φ(1.96).
"""


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MANY", 0)


def both(monkeypatch: pytest.MonkeyPatch, *given: object) -> tuple[dict[str, Estimate], ...]:
    """Exact intervals, and those of bags."""
    found = []
    for size in (10**9, 0):
        monkeypatch.setattr(many, "MANY", size)
        found.append(estimate(STATISTICS, *given))  # type: ignore[arg-type]
    return tuple(found)


def agree(exact: Estimate, bags: Estimate, count: int) -> None:
    """To within three standard errors of the simulation and of the bags' spread."""
    spread = (exact.high - exact.low) / 3.92
    slack = 3 * spread * (2 * SIMULATED**2 + 1.96**2 / (2 * count)) ** 0.5
    assert bags.value == exact.value
    assert abs(bags.low - exact.low) < slack and abs(bags.high - exact.high) < slack


@pytest.mark.parametrize("digits", [9, 1])
def test_bags_agree_with_the_exact_bootstrap(digits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = normal_scores(3000, 5000, 0.7, 2, digits)
    exact, bags = both(monkeypatch, *given)
    for name in STATISTICS:
        agree(exact[name], bags[name], many.BAGS)


def test_images_stay_whole_in_bags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five records of one image say no more than one: the interval is that of the images."""
    score, member = normal_scores(2500, 2500, 0.7, 3)
    again, kinds, image = np.repeat(score, 5), np.repeat(member, 5), np.repeat(np.arange(5000), 5)
    (exact, _), (_, bags) = both(monkeypatch, score, member), both(monkeypatch, again, kinds, image)
    for name in STATISTICS:
        agree(exact[name], bags[name], many.BAGS)


def test_bags_pair_two_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    score, member = normal_scores(4000, 4000, 1.0, 5)
    other = score + 0.3 * np.random.default_rng(0).normal(size=len(score))
    exact = paired_auroc_difference(score, other, member)
    monkeypatch.setattr(many, "MANY", 0)
    agree(exact, paired_auroc_difference(score, other, member), many.BAGS)


def delong(score: np.ndarray, member: np.ndarray) -> float:
    """Standard error of an AUROC by its placements (DeLong et al. 1988, eq. 4)."""
    ours, theirs = score[member], score[~member]
    wins = (ours[:, None] > theirs) + 0.5 * (ours[:, None] == theirs)
    first, second = wins.mean(axis=1).var(ddof=1), wins.mean(axis=0).var(ddof=1)
    return float((first / len(ours) + second / len(theirs)) ** 0.5)


@pytest.mark.usefixtures("few_are_many")
def test_the_spread_is_delongs() -> None:
    """2000 replicates know a standard deviation to 1.6 %, bags to 1.6 %: three of both is 7 %."""
    score, member = normal_scores(4000, 3000, 0.5, 1)
    drawn = evidence.replicate({"auroc": auroc}, score, member)["auroc"]
    assert drawn.std() == pytest.approx(delong(score, member), rel=0.07)


@pytest.mark.slow
@pytest.mark.usefixtures("few_are_many")
def test_intervals_of_bags_cover_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nominal 95 %; records are eight times the bags, so that most share one. 1000 worlds have a
    binomial standard error of 0.7 %.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    monkeypatch.setattr(many, "BAGS", 256)
    truths = {"auroc": norm.cdf(2**-0.5), "tpr": norm.sf(norm.isf(0.01) - 1)}
    hits = dict.fromkeys(truths, 0)
    for seed in range(1000):
        score, member = normal_scores(2048, 2048, 1.0, seed)
        many._deal.cache_clear()
        wanted = {name: STATISTICS[name] for name in truths}
        for name, found in estimate(wanted, score, member, None).items():
            hits[name] += found.low <= truths[name] <= found.high
    for count in hits.values():
        assert 0.93 <= count / 1000 <= 0.97


@pytest.mark.usefixtures("few_are_many")
def test_a_perfect_score_is_no_certainty_in_bins() -> None:
    member = np.arange(9000) < 4000
    score = np.random.default_rng(0).random(9000) + member
    best, worst = (estimate({"a": auroc}, sign * score, member)["a"] for sign in (1, -1))
    assert (best.value, best.high) == (1.0, 1.0)
    assert best.low == pytest.approx(0.025 ** (1 / 4000))
    assert (worst.value, worst.low, worst.high) == (0.0, 0.0, pytest.approx(1 - best.low))


def test_the_normal_maximum_is_that_of_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Critical AUROCs agree to three standard errors of two quantiles of 2000."""
    rng = np.random.default_rng(1)
    member, common = np.arange(1500) < 500, rng.normal(size=1500)
    scores = [common + rng.normal(size=1500) for _ in range(4)]
    image = np.concatenate([np.arange(500) // 2, 250 + np.arange(1000) // 4])
    for given in (None, image):
        exact = maximum.maximum(scores, member, image=given)
        monkeypatch.setattr(maximum, "MANY", 0)
        normal = maximum.maximum(scores, member, image=given)
        monkeypatch.undo()
        spread = (exact.critical - 0.5) / 2.5
        assert normal.value == exact.value
        assert abs(normal.critical - exact.critical) < 3 * 2**0.5 * SIMULATED * spread * 1.2


@pytest.mark.parametrize("suspects", [40, 1200])
def test_a_set_beside_very_many_has_the_same_p(
    suspects: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    ours, theirs = rng.normal(size=suspects), rng.normal(size=3000)
    ours += theirs.mean() - ours.mean() + 1.3 * (1 / suspects + 1 / 3000) ** 0.5
    exact, count = together.permuted_p(ours, theirs, permutations=4000)
    monkeypatch.setattr(together, "MANY", 0)
    found, _ = together.permuted_p(ours, theirs, permutations=4000)
    assert 0.01 < exact < 0.5
    assert found == pytest.approx(exact, abs=3 * (2 * exact * (1 - exact) / count) ** 0.5)


@pytest.mark.parametrize("values", [1, 3, 1000])
def test_earlier_scores_are_counted_as_one_by_one(values: int) -> None:
    scores = np.random.default_rng(values).integers(values, size=150).astype(float)
    larger, equal = earlier(scores)
    assert larger.tolist() == [int((scores[:k] > scores[k]).sum()) for k in range(150)]
    assert equal.tolist() == [int((scores[:k] == scores[k]).sum()) for k in range(150)]


def test_a_curve_to_draw_keeps_its_ends_and_every_early_threshold() -> None:
    score, member = normal_scores(20_000, 20_000, 0.5, 0)
    whole = curve(score, member)
    drawn = drawable(whole, 2000)
    assert len(drawn.fpr) <= 2000
    assert (drawn.fpr[:50] == whole.fpr[:50]).all()
    assert drawn.fpr[-1] == drawn.tpr[-1] == 1.0
    assert drawable(whole).fpr is not whole.fpr and drawable(drawn) is drawn
