"""Lists keep their promise: few of the names are wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import within, world

from lit_clid.judging.suspects.listing import adjusted, conformal_p, list_suspects


def test_conformal_p_by_hand() -> None:
    p = conformal_p(np.array([0.0, 2.0, 2.5, 9.0]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(p, [1.0, 0.75, 0.5, 0.25])


def test_conformal_p_is_uniform_under_the_null() -> None:
    ours, theirs, _ = world(0, 4000, 4000, 0.0)
    p = conformal_p(ours, theirs)
    for level in (0.01, 0.1, 0.5):
        assert within(float((p <= level).mean()), level, 2000)


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=30), st.floats(0.01, 0.5))
def test_named_are_those_of_benjamini_and_hochberg(values: list[float], rate: float) -> None:
    p = np.array(values)
    q = adjusted(p)
    ordered = np.sort(p)
    fits = [k for k in range(1, len(p) + 1) if ordered[k - 1] <= rate * k / len(p) * (1 + 1e-12)]
    named = int((q <= rate * (1 + 1e-12)).sum())
    assert named >= (max(fits) if fits else 0)
    assert named == max(fits, default=0) or np.isclose(ordered[named - 1], rate * named / len(p))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_false_discovery_rate_is_kept(share: float) -> None:
    wrong, found = [], []
    for seed in range(300):
        ours, theirs, member = world(seed, 200, 300, share, 2.5)
        listing = list_suspects(ours, theirs, 0.1)
        names = list(listing.named)
        wrong.append((~member[names]).mean() if names else 0.0)
        found.append(member[names].sum() / max(1, member.sum()))
    assert within(float(np.mean(wrong)), 0.1 * (1 - share), 300)
    assert share == 0 or np.mean(found) > 0.6


def test_a_list_names_many_at_once_or_nobody() -> None:
    ours, theirs, _ = world(0, 400, 100, 0.1, 9.0)
    few = list_suspects(ours[:400], theirs, 0.05)
    assert few.fewest == 80  # 400 / (0.05 · 101)
    assert few.smallest_p == pytest.approx(1 / 101)
    assert few.named == ()
    assert len(list_suspects(ours, np.random.default_rng(1).normal(size=4000), 0.05).named) >= 40


def test_equal_scores_name_nobody() -> None:
    listing = list_suspects(np.ones(20), np.ones(30), 0.1)
    assert listing.named == ()
    assert (listing.p == 1).all()
