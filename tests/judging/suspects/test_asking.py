"""Asking in a fixed order: who comes when, and evidence that may be looked at at any time."""

import numpy as np
import pytest
from worlds import shadow_of, within, world

from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects.asking import (
    FIRST,
    Plan,
    Ranks,
    evidence_of_pairs,
    plan_asking,
)


def planned(suspects: int, holdouts: int, *, shadow: bool, seed: int = 0) -> Plan:
    ours, theirs = [f"s{k}" for k in range(suspects)], [f"h{k}" for k in range(holdouts)]
    return plan_asking(ours, theirs, shadow=shadow, seed=seed)


@pytest.mark.parametrize(("suspects", "holdouts"), [(5, 300), (40, 40), (300, 25), (2, 2)])
@pytest.mark.parametrize("shadow", [False, True])
def test_everybody_is_planned_once(suspects: int, holdouts: int, *, shadow: bool) -> None:
    plan = planned(suspects, holdouts, shadow=shadow)
    assert len(set(plan.ids)) == len(plan.ids) == suspects + holdouts
    assert [name[0] == "s" for name in plan.ids] == plan.suspect.tolist()
    assert plan.ids == planned(suspects, holdouts, shadow=shadow).ids
    assert suspects < 3 or plan.ids != planned(suspects, holdouts, shadow=shadow, seed=1).ids


def test_pairs_alternate_and_ranks_begin_with_hold_outs() -> None:
    pairs, ranks = (planned(40, 100, shadow=shadow) for shadow in (True, False))
    assert (pairs.by, ranks.by) == ("pairs", "ranks")
    assert pairs.suspect[:4].tolist() == [True, False, True, False]
    assert not ranks.suspect[:FIRST].any() and ranks.suspect[FIRST]
    few = planned(5, 300, shadow=True)
    assert few.by == "ranks"
    assert few.suspect[: FIRST + 45].sum() == 5


def asked(seed: int, rule: str, share: float) -> tuple[np.ndarray, Plan]:
    """Two columns of 60 suspects and 60 hold-outs in the planned order."""
    plan = planned(60, 60, shadow=False, seed=seed)
    ours, theirs, _ = world(seed, 60, 60, share)
    dice = np.random.default_rng(seed + 10**7)
    score = np.empty(120)
    score[plan.suspect], score[~plan.suspect] = dice.permutation(ours), theirs
    return np.column_stack([score, score + dice.normal(0, 0.5, 120)]), plan


@pytest.mark.parametrize("rule", ["first", "scaled_mean"])
def test_ranks_err_no_more_than_they_say_although_scales_move(rule: str) -> None:
    """Looked at after every suspect, at 5 %; 300 null worlds have a standard error of 1.3 %."""
    stopped = 0
    for seed in range(300):
        columns, plan = asked(seed, rule, 0.0)
        evidence = Ranks(RULES[rule], plan.suspect, seed).evidence(columns)
        stopped += evidence.max() >= np.log(20)
    assert within(stopped / 300, 0.05, 300)


def test_pairs_err_no_more_than_they_say() -> None:
    stopped = 0
    for seed in range(400):
        ours, theirs, _ = world(seed, 100, 100, 0.0)
        score, suspect = np.concatenate([ours, theirs]), np.arange(200) < 100
        found = evidence_of_pairs(score, suspect, shadow_of(seed))
        assert found is not None
        stopped += found.max() >= np.log(20)
    assert within(stopped / 400, 0.05, 400)


def test_evidence_does_not_depend_on_the_batches() -> None:
    columns, plan = asked(0, "scaled_mean", 0.5)
    whole = Ranks(RULES["scaled_mean"], plan.suspect, 0).evidence(columns)
    parts = Ranks(RULES["scaled_mean"], plan.suspect, 0)
    for end in (7, 31, 32, 90, 120):
        found = parts.evidence(columns[:end])
        np.testing.assert_array_equal(found, whole[: len(found)])


def test_members_are_found_with_a_fraction_of_the_records() -> None:
    """At an AUROC of 0.8, α = 1 %: the median world stops within a third of 120 + 120 records."""
    by_ranks, by_pairs = list[float](), list[float]()
    for seed in range(60):
        columns, plan = asked(seed, "first", 1.0)
        evidence = Ranks(RULES["first"], plan.suspect, seed).evidence(columns)
        reached = np.flatnonzero(evidence >= np.log(100))
        places = np.flatnonzero(plan.suspect)
        by_ranks.append(places[reached[0]] + 1 if len(reached) else np.inf)
        found = evidence_of_pairs(columns[:, 0], plan.suspect, shadow_of(seed))
        assert found is not None
        pairs = np.flatnonzero(found >= np.log(100))
        by_pairs.append(2 * (pairs[0] + 1) if len(pairs) else np.inf)
    assert np.median(by_ranks) <= 80
    assert np.median(by_pairs) <= 60


def test_a_shadow_that_points_the_wrong_way_has_no_pairs() -> None:
    score, member = shadow_of(0)
    assert evidence_of_pairs(score, member, (-score, member)) is None
