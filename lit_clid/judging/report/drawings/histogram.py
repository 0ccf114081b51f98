"""A histogram of one score: members or suspects above the axis, hold-outs below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lit_clid.judging.report.drawings.svg import Axis, drawing, element, round_ticks

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, TALL = 500.0, 380.0
LEFT, TOP, RIGHT, BOTTOM = 14.0, 30.0, 486.0, 330.0
BINS = 36
ENDS = (0.005, 0.995)
"""Quantiles of all scores between which bins lie; those beyond stand in the outermost ones."""


@dataclass(frozen=True)
class Mark:
    """A threshold in the score's own unit, and what it is called."""

    value: float
    words: str


def histogram(
    score: np.ndarray, member: np.ndarray, marks: Sequence[Mark], kind: str = "members"
) -> "Markup":
    """Shares of either kind by bins of the score.

    Args:
        score: (N,), larger = more member-like.
        member: (N,) bool.
        marks: thresholds; those outside the bins are left out.
        kind: what members are called; of a claim they are suspects.
    """
    low, high = (float(end) for end in np.quantile(score, ENDS))
    if high <= low:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, BINS + 1)
    clipped = np.clip(score, low, high)
    above, below = (_shares(clipped[side], edges) for side in (member, ~member))
    x, middle = Axis(low, high, LEFT, RIGHT), (TOP + BOTTOM) / 2
    unit = (middle - TOP) / max(above.max(), below.max())
    parts = [*_bars(above, x, edges, middle, -unit, "inside")]
    parts += _bars(below, x, edges, middle, unit, "outside")
    parts += [
        element("line", x1=LEFT, x2=RIGHT, y1=middle, y2=middle, class_="base"),
        element("text", "score →", x=(LEFT + RIGHT) / 2, y=TALL - 8, class_="name middle"),
    ]
    for value in round_ticks(low, high):
        words = f"{value:.4g}".replace("-", "−")
        parts.append(element("text", words, x=x(value), y=BOTTOM + 18, class_="tick middle"))
    seen = sorted((mark for mark in marks if low <= mark.value <= high), key=lambda m: m.value)
    for k, mark in enumerate(seen):
        alone = len(seen) == 1 and mark.value < (low + high) / 2
        parts += _threshold(x(mark.value), mark.words, right=k > 0 or alone)
    right = float(score[member].mean()) < float(score[~member].mean())
    parts += [_name(kind, "inside", TOP + 12, right=right)]
    parts += [_name("hold-outs", "outside", BOTTOM - 6, right=not right)]
    label = f"Histogram of the score: {kind} above, hold-outs below"
    return drawing(label, WIDTH, TALL, *parts, class_="plot")


def _shares(score: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(score, edges)
    return counts / max(1, len(score))


def _bars(
    shares: np.ndarray, x: Axis, edges: np.ndarray, middle: float, unit: float, kind: str
) -> "list[Markup]":
    made: list[Markup] = []
    for share, start, end in zip(shares, edges, edges[1:], strict=False):
        if share:
            height = abs(unit * share)
            top = middle - height if unit < 0 else middle
            place = dict(x=x(start) + 0.75, y=top, width=x(end) - x(start) - 1.5, height=height)
            made.append(element("rect", **place, class_=f"share {kind}"))
    return made


def _name(words: str, kind: str, y: float, *, right: bool) -> "Markup":
    """The name of a kind in the corner where it has few records."""
    side = "end" if right else "start"
    x = RIGHT if right else LEFT
    return element("text", words, x=x, y=y, class_=f"direct {kind} {side}")


def _threshold(across: float, words: str, *, right: bool) -> "list[Markup]":
    """A dashed line with its words at one side."""
    place = dict(x=across + (5 if right else -5), y=TOP - 10)
    return [
        element("line", x1=across, x2=across, y1=TOP - 20, y2=BOTTOM, class_="mark"),
        element("text", words, **place, class_=f"tick {'start' if right else 'end'}"),
    ]
