"""A forest of bars: AUROCs with their intervals on one axis, a line at one half.

Places are percentages, so that a bar is as wide as its place on the page and its ends stay sharp.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.report.drawings.svg import Axis, element

if TYPE_CHECKING:
    from markupsafe import Markup

MARGIN = 3.0
"""Percent of the width that stay free at either end."""
TICKS = {
    0.4: (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    0.3: (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    0.0: (0.0, 0.25, 0.5, 0.75, 1.0),
}
"""The axis's numbers by where it begins."""


@dataclass(frozen=True)
class Forest:
    """The axis that all bars share: from `low`, at most one half, to one."""

    low: float

    @classmethod
    def over(cls, found: Sequence[Estimate]) -> "Forest":
        """An axis that holds every interval: from 0.4 or 0.3 on, or else from nothing."""
        least = min((each.low for each in found), default=0.5)
        return cls(next(low for low in (0.4, 0.3, 0.0) if low <= least))

    def _place(self, value: float) -> str:
        return f"{Axis(self.low, 1.0, MARGIN, 100 - MARGIN)(value):.2f}%"

    def bar(self, found: Estimate, name: str) -> "Markup":
        """The value as a dot, its interval as a bar."""
        low, value, high = (self._place(v) for v in (found.low, found.value, found.high))
        half = self._place(0.5)
        label = f"AUROC of {name}: {found.value:.3f}, 95 % from {found.low:.3f} to {found.high:.3f}"
        parts = [
            element("line", x1=half, x2=half, y1="0", y2="100%", class_="half"),
            element("line", x1=low, x2=high, y1="50%", y2="50%", class_="whisker"),
            element("circle", cx=value, cy="50%", r=5.5, class_="dot"),
        ]
        return element("svg", *parts, role="img", aria_label=label, class_="bar")

    def axis(self) -> "Markup":
        """The axis's numbers."""
        marks: list[Markup] = []
        for value in TICKS[self.low]:
            name = "tick half" if value == 0.5 else "tick"
            marks.append(element("text", f"{value:g}", x=self._place(value), y="13", class_=name))
        return element("svg", *marks, aria_hidden="true", class_="bar axis")
