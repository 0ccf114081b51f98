"""The sequential test may be looked at after every suspect, and stops early."""

import numpy as np
import pytest
from worlds import within, world

from lit_clid.judging.suspects.sequence import ask_in_order, sequential_ranks

WORLDS = 400


@pytest.mark.parametrize("ties", [False, True])
def test_ranks_are_uniform_and_independent_under_the_null(ties: bool) -> None:
    u = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 20, 10, 0.0)
        if ties:
            ours, theirs = np.round(ours), np.round(theirs)
        u.append(sequential_ranks(ours, theirs, np.random.default_rng(seed)))
    ranks = np.array(u)
    assert ranks.mean() == pytest.approx(0.5, abs=3 * 0.289 / ranks.size**0.5)
    off = np.corrcoef(ranks.T)[~np.eye(20, dtype=bool)]
    assert off.mean() == pytest.approx(0, abs=3 / (WORLDS * 190) ** 0.5)


def test_ranking_among_the_hold_outs_alone_would_depend() -> None:
    """The defect that counting the earlier suspects mends."""
    u = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 20, 10, 0.0)
        u.append((theirs[:, None] > ours).mean(axis=0))
    off = np.corrcoef(np.array(u).T)[~np.eye(20, dtype=bool)]
    assert off.mean() > 0.05


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_peeking_after_every_suspect_is_allowed(level: float) -> None:
    stopped = []
    for seed in range(WORLDS):
        ours, theirs, _ = world(seed, 200, 100, 0.0)
        stopped.append(ask_in_order(ours, theirs, level, seed).stopped is not None)
    assert within(float(np.mean(stopped)), level, WORLDS)


def test_members_stop_it_soon_and_p_agrees() -> None:
    ours, theirs, _ = world(0, 256, 256, 1.0, 2.5)
    found = ask_in_order(ours, theirs, 0.01)
    assert found.stopped is not None and found.stopped < 20
    assert found.p < 0.01
    early = ask_in_order(ours[: found.stopped - 1], theirs, 0.01)
    assert early.stopped is None and early.p > 0.01
    np.testing.assert_array_equal(early.evidence, found.evidence[: found.stopped - 1])


def test_much_evidence_is_a_small_p_and_no_overflow() -> None:
    ours, theirs, _ = world(0, 800, 2000, 1.0, 9.0)
    assert 0 < ask_in_order(ours, theirs, 0.01).p < 1e-100
