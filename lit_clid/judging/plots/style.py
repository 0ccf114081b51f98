"""How all figures look, and estimates as matplotlib takes them."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lit_clid.files import whole
from lit_clid.judging.evidence import Estimate, Evidence

MEMBER, HOLDOUT, INK = "#c2410c", "#0f766e", "#1f2937"
AXIS, GRID, SECOND = "#9ca3af", "#e5e7eb", "#6b7280"
THEME = {
    MEMBER: "member",
    HOLDOUT: "holdout",
    INK: "ink",
    AXIS: "soft",
    GRID: "line",
    SECOND: "soft",
    "#4b5563": "soft",
    "#000000": "ink",
    "#ffffff": "paper",
}
"""Colours of figures → variables of the page's style sheet."""
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": AXIS,
    "axes.labelcolor": INK,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "text.parse_math": False,  # a column may be called a_$x$
}


def band(found: Sequence[Evidence]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, low and high of each (N,); NaN, a gap in the line, where it is unresolved."""
    parts = np.full((3, len(found)), np.nan)
    for k, each in enumerate(found):
        if isinstance(each, Estimate):
            parts[:, k] = each.value, each.low, each.high
    return parts[0], parts[1], parts[2]


def whisker(found: Estimate) -> list[list[float]]:
    """How far the interval reaches below and above the value, (2, 1)."""
    return [[found.value - found.low], [found.high - found.value]]


def shown() -> type:
    """The class of a figure that shows itself in a notebook, whatever else was imported there."""
    from matplotlib.figure import Figure

    class Shown(Figure):
        """A figure of matplotlib."""

        def _repr_svg_(self) -> str:
            return svg(self)

        def savefig(self, fname: Any, **options: Any) -> None:
            super().savefig(fname, **{"bbox_inches": _bounds(self), **options})

    return Shown


def _bounds(figure: Any) -> str | None:
    """Around all that is drawn, unless the figure is laid out to be as wide as it says."""
    return None if figure.get_layout_engine() else "tight"


def svg(figure: Any) -> str:
    """The figure as SVG text, the same for the same figure."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "lit-clid"}):
        options: dict[str, Any] = {"bbox_inches": _bounds(figure), "metadata": {"Date": None}}
        figure.savefig(out, format="svg", **options)
    text = out.getvalue()
    return text[text.index("<svg") :]


def themed(text: str) -> str:
    """A figure's SVG text in the page's colours, which follow light and dark."""
    for colour, name in THEME.items():
        text = text.replace(colour, f"var(--{name})")
    return text


def pdf(figure: Any, path: Path) -> None:
    """Write `figure` to `path` for a paper, its letters as letters, the same for the same one."""
    import matplotlib

    with matplotlib.rc_context({"pdf.fonttype": 42}), whole(path) as part:
        options: dict[str, Any] = {"metadata": {"CreationDate": None}}
        figure.savefig(part, format="pdf", bbox_inches=_bounds(figure), **options)


def png(figure: Any, path: Path) -> None:
    """Write `figure` to `path` as pixels, for slides and issues."""
    options: dict[str, Any] = {"bbox_inches": "tight", "metadata": {"Software": None}}
    with whole(path) as part:
        figure.savefig(part, format="png", dpi=160, **options)
