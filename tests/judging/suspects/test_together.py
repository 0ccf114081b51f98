"""Set tests are exact under the null, and find what is there."""

from itertools import combinations

import numpy as np
import pytest
from worlds import shadow_of, within, world

from lit_clid.judging.suspects import together
from lit_clid.judging.suspects.combined import combined_test, cross_fitted_auroc
from lit_clid.judging.suspects.together import needed, permuted_p, power, set_test

WORLDS = 300


def test_the_permutations_are_those_of_all_subsets() -> None:
    ours, theirs = np.array([3.0, 2.5]), np.array([1.0, 2.0, 2.6, 0.5, 4.0])
    both = np.concatenate([ours, theirs])
    sums = [sum(pair) for pair in combinations(both, 2)]
    exact = np.mean(np.array(sums) >= ours.sum() - 1e-9)
    assert permuted_p(ours, theirs)[0] == pytest.approx(exact, abs=0.015)


@pytest.mark.parametrize("with_shadow", [False, True])
def test_sets_that_were_not_trained_on_are_seldom_accused(
    with_shadow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "PERMUTATIONS", 499)
    monkeypatch.setattr(together, "FEWEST", 499)
    p = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 30, 100, 0.0)
        p.append(set_test(ours, theirs, shadow_of(seed, 100) if with_shadow else None, seed).p)
    for level in (0.05, 0.2, 0.5):
        assert within(float(np.mean(np.array(p) <= level)), level, WORLDS)
    assert np.mean(np.array(p) <= 0.5) > 0.4  # and not by never saying anything


def test_a_part_of_a_set_is_found_sooner_than_by_welch() -> None:
    ratio, welch = [], []
    for seed in range(60):
        ours, theirs, _ = world(seed, 100, 500, 0.1, 2.5)
        found = set_test(ours, theirs, shadow_of(seed, shift=2.5), seed)
        ratio.append(found.p <= 0.01)
        welch.append(found.welch <= 0.01)
    assert np.mean(ratio) > np.mean(welch) + 0.2


def test_no_monotone_change_of_scores_changes_the_rank_test() -> None:
    ours, theirs, _ = world(3, 40, 60, 0.3)
    assert set_test(ours, theirs).p == set_test(np.exp(ours), np.exp(theirs)).p


def test_equal_scores_show_nothing() -> None:
    found = set_test(np.ones(20), np.ones(30))
    assert (found.p, found.welch, found.effect, found.needed) == (1.0, None, None, None)


def test_a_shadow_that_points_the_wrong_way_does_not_turn_the_test() -> None:
    seen, member = shadow_of(0, shift=-1.0)
    low, theirs, _ = world(0, 60, 200, 1.0, -1.0)
    assert set_test(low, theirs, (seen, member)).statistic == "ranks"
    assert set_test(low, theirs, (seen, member)).p > 0.9


def test_power_is_what_simulation_gives() -> None:
    ours, theirs, _ = world(1, 4000, 300, 1.0, 0.5)
    count = needed(ours, theirs)
    assert count is not None
    dice, hits = np.random.default_rng(0), 0
    for seed in range(150):
        some = dice.choice(ours, count)
        hits += permuted_p(some, dice.normal(size=300), seed)[0] <= 0.01
    assert hits / 150 == pytest.approx(0.9, abs=0.1)
    assert power(ours, theirs, np.array([count, 2 * count])).tolist() == sorted(
        power(ours, theirs, np.array([count, 2 * count])).tolist()
    )


@pytest.mark.slow
def test_twenty_signals_of_thirty_records_accuse_nobody_too_often() -> None:
    p, worlds = [], 60
    for seed in range(worlds):
        dice = np.random.default_rng(seed)
        found = combined_test(dice.normal(size=(30, 20)), dice.normal(size=(30, 20)), 39, seed)
        assert found is not None
        p.append(found.p)
    for level in (0.05, 0.2):
        assert within(float(np.mean(np.array(p) <= level)), level, worlds)


def test_all_signals_together_find_what_each_half_hides() -> None:
    dice = np.random.default_rng(0)
    noise = dice.normal(size=(160, 1))
    member = np.arange(160) < 80
    columns = np.hstack([noise + 0.5 * member[:, None], noise, dice.normal(size=(160, 3))])
    found = combined_test(columns[member], columns[~member], 99)
    assert found is not None
    assert found.p == 0.01
    assert found.auroc > 0.75
    assert cross_fitted_auroc(columns, dice.permutation(member), 0) < 0.65
    assert combined_test(columns[:3], columns[~member]) is None
