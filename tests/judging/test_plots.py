"""Figures are drawn of estimates, and the same figure is the same text."""

from pathlib import Path

import numpy as np

from lit_clid.judging import pages, plots
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


def test_figures_take_the_page_s_colours() -> None:
    """Every colour variable that stands in for one is in the style sheet, light and dark."""
    drawn = plots.svg(plots.roc_canvas({"a": np.arange(8.0)}, np.arange(8) > 3))
    shown = plots.themed(drawn)
    assert plots.style.INK in drawn and plots.style.INK not in shown
    assert "var(--ink)" in shown and "var(--paper)" in shown
    sheet = (Path(pages.__file__).parent / "page.css").read_text(encoding="utf-8")
    for name in set(plots.style.THEME.values()):
        assert sheet.count(f" --{name}: ") >= 2
