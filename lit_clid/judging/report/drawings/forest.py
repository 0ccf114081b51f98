"""A forest of bars: AUROCs with their intervals on one axis, a line at one half.

Places are percentages, so that a bar is as wide as its place on the page and its ends stay sharp.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.report.drawings.svg import Axis, element

MARGIN = 3.0
"""Percent of the width that stay free at either end."""


@dataclass(frozen=True)
class Forest:
    """The axis that all bars share: from `low`, at most one half, to one."""

    low: float

    @classmethod
    def over(cls, found: Sequence[Estimate]) -> "Forest":
        """An axis that holds every interval, from a tenth below one half on."""
        least = min((each.low for each in found), default=0.5)
        return cls(max(0.0, min(0.4, int(10 * least) / 10)))

    def _place(self, value: float) -> str:
        return f"{Axis(self.low, 1.0, MARGIN, 100 - MARGIN)(value):.2f}%"

    def bar(self, found: Estimate, name: str) -> Markup:
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

    def axis(self) -> Markup:
        """The axis's numbers."""
        marks: list[Markup] = []
        for k in range(round(10 * self.low), 11):
            if k % 2 == 1 or self.low >= 0.3 or k == 10:
                x = self._place(k / 10)
                name = "tick half" if k == 5 else "tick"
                marks.append(element("text", f"{k / 10:.1f}", x=x, y="13", class_=name))
        return element("svg", *marks, aria_hidden="true", class_="bar axis")
