"""ROC curves on logarithmic axes, each with its name; the first has a pointwise 95 % band.

The axes start where one false positive of the hold-outs lies.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lit_clid.judging.evidence import TAIL, replicate
from lit_clid.judging.report.drawings.labels import HEIGHT, Box, place_labels
from lit_clid.judging.report.drawings.svg import Axis, drawing, element, path
from lit_clid.judging.roc import SLACK, Curve, Statistic, curve

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, TALL = 500.0, 380.0
LEFT, TOP, RIGHT, BOTTOM = 58.0, 10.0, 488.0, 330.0
POINTS = 121
LONGEST = 24
"""Letters of a name that stand beside its curve."""
COARSE, FINE = (0.0001, 0.001, 0.01, 0.1, 1.0), (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Rates that are written on the axes, and on short ones."""
LEAST = 1e-4
"""The lowest rate that is drawn."""


def tpr_on(grid: np.ndarray) -> Statistic:
    """The largest TPR at each FPR of `grid` (G,): rates (…, K) → (…, G)."""

    def statistic(roc: Curve) -> np.ndarray:
        tpr, fpr = np.atleast_2d(roc.tpr), np.atleast_2d(roc.fpr)
        found = np.empty((len(tpr), len(grid)))
        for row, (rates, alarms) in enumerate(zip(tpr, fpr, strict=True)):
            found[row] = rates[np.searchsorted(alarms, grid + SLACK, "right") - 1]
        return found if roc.tpr.ndim > 1 else found[0]

    return statistic


def roc_band(
    score: np.ndarray, member: np.ndarray, grid: np.ndarray, image: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the pointwise 95 % interval of the TPR at each FPR of `grid`, each (G,)."""
    drawn = replicate({"tpr": tpr_on(grid)}, score, member, image=image)["tpr"]
    low, high = np.quantile(drawn, (TAIL, 1 - TAIL), axis=0)
    return low, high


def roc(
    scores: Mapping[str, np.ndarray],
    member: np.ndarray,
    kind: str = "members",
    image: np.ndarray | None = None,
) -> "Markup":
    """The curves of a few scores.

    Args:
        scores: (N,) by name, the one that has a band first.
        member: (N,) bool.
        kind: what they are called; of a claim they are suspects.
        image: of each record (N,), where records share images.
    """
    floor = max(LEAST, 1 / max(2, int((~member).sum())))
    grid = np.geomspace(floor, 1, POINTS)
    x = Axis(floor, 1.0, LEFT, RIGHT, log=True)
    y = Axis(floor, 1.0, BOTTOM, TOP, log=True)
    across = [x(rate) for rate in grid]
    parts = _frame(x, y, kind)
    first = next(iter(scores.values()))
    low, high = (_heights(rates, y) for rates in roc_band(first, member, grid, image))
    outline = path([*across, *across[::-1]], [*low, *high[::-1]])
    parts.append(element("path", d=f"{outline}Z", class_="band"))
    curves: dict[str, np.ndarray] = {}
    for name, score in scores.items():
        heights = _heights(tpr_on(grid)(curve(score, member)), y)
        curves[name] = np.column_stack([across, heights])
    for k, points in reversed(list(enumerate(curves.values()))):
        line = path(points[:, 0].tolist(), points[:, 1].tolist())
        parts.append(element("path", d=line, class_=f"curve c{k}"))
    parts += _names(curves)
    label = f"ROC curves of {', '.join(scores)}: {kind} recognised against hold-outs accused"
    return drawing(label, WIDTH, TALL, *parts, class_="plot")


def _heights(rates: np.ndarray, y: Axis) -> list[float]:
    return [y(rate) for rate in rates]


def _frame(x: Axis, y: Axis, kind: str) -> "list[Markup]":
    """Grid, numbers, names of the axes, and the line of guessing."""
    parts: list[Markup] = []
    ticks = FINE if x.low > COARSE[2] else COARSE
    for rate in [tick for tick in ticks if tick >= x.low * 0.999]:
        words, column, down = f"{100 * rate:g} %", x(rate), y(rate)
        parts += [
            element("line", x1=column, x2=column, y1=TOP, y2=BOTTOM, class_="grid"),
            element("line", x1=LEFT, x2=RIGHT, y1=down, y2=down, class_="grid"),
            element("text", words, x=column, y=BOTTOM + 18, class_="tick middle"),
            element("text", words, x=LEFT - 8, y=down + 4, class_="tick end"),
        ]
    low, high = (x(x.low), y(x.low)), (x(1.0), y(1.0))
    middle, turned = (TOP + BOTTOM) / 2, f"rotate(-90 14 {(TOP + BOTTOM) / 2:g})"
    reached = "above it" if kind == "suspects" else "recognised"
    across, beside = "hold-outs accused (FPR)", f"{kind} {reached} (TPR)"
    return [
        *parts,
        element("line", x1=low[0], y1=low[1], x2=high[0], y2=high[1], class_="guess"),
        element("text", across, x=(LEFT + RIGHT) / 2, y=TALL - 8, class_="name middle"),
        element("text", beside, x=14.0, y=middle, transform=turned, class_="name middle"),
    ]


def _names(curves: Mapping[str, np.ndarray]) -> "list[Markup]":
    shown = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in curves]
    boxes = place_labels(shown, list(curves.values()), Box(LEFT, TOP, RIGHT, BOTTOM))
    made: list[Markup] = []
    for k, (name, box) in enumerate(zip(shown, boxes, strict=True)):
        place = dict(x=(box.left + box.right) / 2, y=box.top + HEIGHT - 4.5)
        made.append(element("text", name, **place, class_=f"direct c{k}"))
    return made
