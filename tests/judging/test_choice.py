"""The choice of timesteps by AUROC: what is tried, and that it is held to other records."""

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lit_clid.judging.choice import Draws, Score, at_each_timestep, candidates, choose

STEPS = tuple(range(100, 1000, 100))


def noise(n: int, seed: int, told: np.ndarray | None = None) -> Score:
    """The mean of a normal draw for each timestep and draw, `told` added at t = 700."""
    values = np.random.default_rng(seed).normal(size=(len(STEPS), 2, n))
    if told is not None:
        values[STEPS.index(700)] += told

    def score(draws: Draws) -> np.ndarray:
        t, each = draws
        mean: np.ndarray = values[[STEPS.index(step) for step in t], :each].mean((0, 1))
        return mean

    return score


def test_candidates_are_equidistant_and_cost_what_was_asked() -> None:
    for count, t, draws in ((1, STEPS, 3), (3, STEPS, 3), (4, STEPS, 2), (6, STEPS[:4], 3)):
        found = candidates(count, t, draws)
        assert found
        assert len(set(found)) == len(found)
        for steps, each in found:
            assert len(steps) * each == count
            assert each <= draws
            assert set(steps) <= set(t)
            assert len(set(np.diff(steps))) <= 1
    assert ((100, 500, 900), 1) in candidates(3, STEPS, 1)
    assert ((900,), 3) in candidates(3, STEPS, 3)


def test_a_choice_that_does_not_hold_is_not_made() -> None:
    """Where no timestep tells anything the best candidate is lucky, and luck does not last."""
    had = (400, 500, 600), 1
    member = np.arange(120) % 2 == 0
    kept = [choose(noise(120, seed), member, (STEPS, 2), had, 2) for seed in range(30)]
    held_out = np.mean([c.held_out for c in kept])
    assert held_out == pytest.approx(0.5, abs=0.03)  # 30 × 60 + 60 records: 0.01
    assert all(c.draws == had for c in kept if c.kept)
    assert sum(c.kept for c in kept) >= 8


def test_every_score_is_asked_for_once() -> None:
    asked: Counter[Draws] = Counter()
    member = np.arange(80) % 3 == 0
    score = noise(80, 0, 2.0 * member)

    def counting(draws: Draws) -> np.ndarray:
        asked[draws] += 1
        return score(draws)

    choice = choose(counting, member, (STEPS, 2), ((110,), 2), 2)
    assert choice.draws == ((700,), 2)
    assert set(asked) == set(candidates(2, STEPS, 2))
    assert set(asked.values()) == {1}


def test_the_choice_is_graded_on_the_other_half() -> None:
    """By hand, with another AUROC: records alternate within each class."""
    member = np.arange(60) % 3 == 0
    score, options = noise(60, 1, 0.5 * member), candidates(1, STEPS, 1)
    first = np.zeros(60, dtype=bool)
    for group in (np.flatnonzero(member), np.flatnonzero(~member)):
        first[group[1::2]] = True

    def strength(draws: Draws, records: np.ndarray) -> float:
        return float(roc_auc_score(member[records], score(draws)[records]))

    graded = []
    for chosen_on, graded_on in ((first, ~first), (~first, first)):
        strengths = [strength(draws, chosen_on) for draws in options]
        graded.append(strength(options[int(np.argmax(strengths))], graded_on))
    choice = choose(score, member, (STEPS, 2), ((610,), 1), 1)
    assert choice.held_out == pytest.approx(np.mean(graded))
    before = [strength(((600,), 1), half) for half in (first, ~first)]
    assert choice.before == pytest.approx(np.mean(before))


def test_what_is_not_on_the_grid_is_not_graded() -> None:
    member = np.arange(40) % 2 == 0
    for had, graded in ((((126,), 1), False), (((125,), 1), True), (((390, 410), 1), True)):
        choice = choose(noise(40, 0), member, (STEPS, 2), had, 2)
        assert (choice.before is not None) == graded


def test_each_timestep_alone_has_its_interval() -> None:
    member = np.arange(200) % 2 == 0
    score = noise(200, 0, 1.0 * member)
    found = at_each_timestep(score, member, STEPS)
    values = [roc_auc_score(member, score(((t,), 1))) for t in STEPS]
    assert [each.value for each in found] == pytest.approx(values)
    assert all(each.low < each.value < each.high for each in found)
    assert found[STEPS.index(700)].low > 0.6
