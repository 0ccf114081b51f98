"""A figure is written in one way, and what cannot be given says so."""

from typing import Any

import pytest

from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.notation import bounds, interval

FOUND = Estimate(0.7124, 0.665, 0.7561)
NEAR_ZERO = Estimate(-0.0001, -0.2, 0.2)


@pytest.mark.parametrize(
    ("figure", "options", "said"),
    [
        (FOUND, {}, "0.712 [0.665, 0.756]"),
        (FOUND, {"digits": 2}, "0.71 [0.67, 0.76]"),
        (FOUND, {"percent": True}, "71.2 [66.5, 75.6]"),
        (NEAR_ZERO, {}, "0.000 [-0.200, 0.200]"),
        (NEAR_ZERO, {"sign": True}, "-0.000 [-0.200, +0.200]"),
        (Unresolved("unresolved: 9 records"), {"percent": True}, "unresolved"),
        (Unresolved("no threshold without a shadow", shown="–"), {"sign": True}, "–"),
    ],
)
def test_a_figure_in_words(figure: Any, options: dict[str, Any], said: str) -> None:
    assert interval(figure, **options) == said


@pytest.mark.parametrize("options", [{}, {"digits": 2}, {"percent": True}, {"sign": True}])
def test_the_bounds_are_those_of_the_interval(options: dict[str, Any]) -> None:
    assert interval(FOUND, **options).endswith(f" {bounds(FOUND, **options)}")
