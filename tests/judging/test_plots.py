"""Figures are drawn of estimates, and the same figure is the same text."""

import numpy as np

from lit_clid.judging import plots
from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.plots.style import band, whisker

FOUND = Estimate(0.7, 0.6, 0.9)
MISSING = Unresolved("too few")


def test_what_is_missing_is_a_gap() -> None:
    value, low, high = band([FOUND, MISSING])
    assert (value[0], low[0], high[0]) == (0.7, 0.6, 0.9)
    assert np.isnan([value[1], low[1], high[1]]).all()
    np.testing.assert_allclose(whisker(FOUND), [[0.1], [0.2]])


def test_the_same_figure_is_the_same_text() -> None:
    one, other = (
        plots.svg(plots.heat_map({"a": {"x": FOUND, "y": MISSING}}, "none")) for _ in range(2)
    )
    assert one == other and "+0.70" in one
