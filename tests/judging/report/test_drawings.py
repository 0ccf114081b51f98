"""Drawings: a curve is that of the exact figures, and names do not cover each other."""

from itertools import combinations

import numpy as np
import pytest
from tables import normal_scores

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.report.drawings import Forest, Mark, histogram, roc
from lit_clid.judging.report.drawings.labels import Box, place_labels
from lit_clid.judging.report.drawings.roc import roc_band, tpr_on
from lit_clid.judging.report.drawings.svg import Axis, element, round_ticks
from lit_clid.judging.roc import curve, tpr_at_fpr

GRID = np.geomspace(0.01, 1, 20)


@pytest.mark.parametrize("digits", [9, 0])
def test_a_curve_on_a_grid_is_the_tpr_at_each_cap(digits: int) -> None:
    score, member = normal_scores(40, 60, 1.0, 0, digits)
    weights = np.random.default_rng(0).integers(0, 3, (5, 100)).astype(float)
    exact = curve(score, member, weights)
    found = tpr_on(GRID)(exact)
    assert found.shape == (5, 20)
    for k, cap in enumerate(GRID):
        np.testing.assert_allclose(found[:, k], tpr_at_fpr(float(cap))(exact))
    assert tpr_on(GRID)(curve(score, member)).shape == (20,)


def test_the_band_holds_the_curve() -> None:
    score, member = normal_scores(100, 100, 1.0, 0)
    low, high = roc_band(score, member, GRID)
    value = tpr_on(GRID)(curve(score, member))
    assert (low <= value).all() and (value <= high).all() and (low < high).any()


def test_names_stand_within_the_frame_and_apart() -> None:
    x = np.linspace(60, 480, 120)
    curves = [np.column_stack([x, 300 - k - 0.5 * x]) for k in (0, 4, 30, 60)]
    frame = Box(58, 10, 488, 330)
    boxes = place_labels(["clid_th_clip_ref", "clir", "sima_ref", "pia"], curves, frame)
    assert all(box.within(frame) for box in boxes)
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))


def test_every_drawing_tells_what_it_shows_and_escapes_names() -> None:
    score, member = normal_scores(30, 30, 1.0, 0)
    evil = '"><script>x</script>'
    forest = Forest.over([Estimate(0.7, 0.31, 0.8)])
    drawn = [
        roc({evil: score, "other": -score}, member),
        histogram(score, member, [Mark(0.0, evil)]),
        forest.bar(Estimate(0.7, 0.31, 0.8), evil),
    ]
    for each in map(str, drawn):
        assert "<script" not in each and 'role="img" aria-label="' in each
    assert forest.low == 0.3


def test_equal_scores_are_drawn() -> None:
    member = np.arange(8) < 4
    for drawn in (histogram(np.zeros(8), member, []), roc({"a": np.zeros(8)}, member)):
        assert "nan" not in drawn and "inf" not in drawn.replace("inside", "")


def test_axes_and_ticks() -> None:
    log = Axis(0.01, 1.0, 0.0, 100.0, log=True)
    assert (log(0.01), log(0.1), log(1.0), log(0.0)) == pytest.approx((0, 50, 100, 0))
    assert round_ticks(-0.3, 2.1) == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert str(element("a", "<", stroke_width=1.0, class_="c")) == (
        '<a stroke-width="1" class="c">&lt;</a>'
    )
