"""The share's lower bound holds, and says something."""

import numpy as np
import pytest
from worlds import shadow_of, world

from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.suspects.share import share, simultaneous_bound

WORLDS = 300


@pytest.mark.parametrize("truth", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("with_shadow", [False, True])
def test_the_bound_holds_in_nineteen_of_twenty_worlds(truth: float, with_shadow: bool) -> None:
    lows = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 256, 256, truth)
        found = share(ours, theirs, shadow_of(seed) if with_shadow else None)
        assert isinstance(found.between, Unresolved) is not with_shadow
        lows.append(found.low)
    slack = 3 * (0.95 * 0.05 / WORLDS) ** 0.5
    assert np.mean(np.array(lows) <= truth + 1e-12) >= 0.95 - slack
    if truth == 1:
        assert np.mean(lows) > 0.3


@pytest.mark.parametrize("truth", [0.1, 0.5])
def test_the_interval_covers_where_members_score_as_on_the_shadow(truth: float) -> None:
    hits = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 250, 250, truth)
        between = share(ours, theirs, shadow_of(seed)).between
        assert isinstance(between, Estimate)
        hits.append(between.low <= truth <= between.high)
    slack = 3 * (0.95 * 0.05 / WORLDS) ** 0.5
    assert np.mean(hits) >= 0.95 - slack


def test_suspects_below_all_hold_outs_show_nothing() -> None:
    assert share(np.full(50, -9.0), np.arange(50.0)).low == 0.0
    assert share(np.full(50, -9.0), np.arange(50.0), shadow_of(0)).low == 0.0


def test_a_shadow_that_tells_nothing_gives_no_interval() -> None:
    ours, theirs, _ = world(0, 200, 200, 0.5)
    assert isinstance(share(ours, theirs, shadow_of(0, shift=0.0)).between, Unresolved)


def test_the_simultaneous_bound_by_hand() -> None:
    """All suspects above all hold-outs: 1 − ε_s / (1 − ε_h) at the threshold between."""
    ours, theirs = np.full(200, 2.0), np.zeros(100)
    slack = [np.sqrt(np.log(40) / (2 * n)) for n in (200, 100)]
    assert simultaneous_bound(ours, theirs) == pytest.approx(1 - slack[0] / (1 - slack[1]))


@pytest.mark.parametrize("suspects", [3, 5, 20])
@pytest.mark.parametrize("shift", [0.5, 6.0])
def test_the_bound_holds_for_few_suspects_too(suspects: int, shift: float) -> None:
    lows = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, suspects, 500, 0.0)
        lows.append(share(ours, theirs, shadow_of(seed, shift=shift)).low)
    slack = 3 * (0.95 * 0.05 / WORLDS) ** 0.5
    assert np.mean(np.array(lows) <= 0) >= 0.95 - slack
