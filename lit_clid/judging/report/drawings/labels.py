"""Names of curves beside the curves themselves, where they cover least."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

HEIGHT, LETTER = 17.0, 7.8
"""Of a line and of a letter, in pixels."""
CONFUSING = 6.0
"""Points that a name would rather cover than stand nearer to another curve."""
GAPS = (4.0, 10.0, 18.0)
"""Between a curve and its name, in pixels."""


@dataclass(frozen=True)
class Box:
    """Where a name stands, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, points: np.ndarray) -> int:
        """How many of the points (P, 2) lie in it."""
        x, y = points.T
        inside = (x > self.left) & (x < self.right) & (y > self.top) & (y < self.bottom)
        return int(inside.sum())

    def away(self, points: np.ndarray) -> float:
        """How far the nearest of the points (P, 2) is from it, in pixels."""
        x, y = points.T
        across = np.maximum(np.maximum(self.left - x, x - self.right), 0)
        down = np.maximum(np.maximum(self.top - y, y - self.bottom), 0)
        return float(np.hypot(across, down).min())

    def meets(self, other: "Box") -> bool:
        beside = self.right < other.left or other.right < self.left
        return not (beside or self.bottom < other.top or other.bottom < self.top)

    def within(self, other: "Box") -> bool:
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )


def place_labels(names: Sequence[str], curves: Sequence[np.ndarray], frame: Box) -> list[Box]:
    """A box for every curve's name, close to the curve, over as few points as can be.

    Args:
        names: C of them.
        curves: pixels (P, 2) of each curve.
        frame: that they must not leave.
    """
    dense = [_dense(points) for points in curves]
    placed: list[Box] = []
    for k, (name, points) in enumerate(zip(names, curves, strict=True)):
        others = [each for n, each in enumerate(dense) if n != k]
        wide = LETTER * len(name) + 4
        best, cost = Box(frame.right - wide, frame.top, frame.right, frame.top + HEIGHT), np.inf
        for x, y in points[::3]:
            for gap, box in _beside(float(x), float(y), wide):
                if not box.within(frame) or any(box.meets(other) for other in placed):
                    continue
                price = _price(box, dense[k], others) + 0.1 * gap
                if price < cost:
                    best, cost = box, price
        placed.append(best)
    return placed


def _price(box: Box, own: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """Points that the box covers, and much more where it is nearer to another curve."""
    price = float(box.covers(own))
    for points in others:
        price += box.covers(points) + CONFUSING * (box.away(points) < box.away(own))
    return price


def _beside(x: float, y: float, wide: float) -> Iterator[tuple[float, Box]]:
    """(gap, box) above a point to the left, and below it to the right."""
    for gap in GAPS:
        yield gap, Box(x - gap - wide, y - gap - HEIGHT, x - gap, y - gap)
        yield gap, Box(x + gap, y + gap, x + gap + wide, y + gap + HEIGHT)


def _dense(points: np.ndarray) -> np.ndarray:
    """The same line by four times as many points."""
    places = np.arange(len(points))
    between = np.linspace(0, len(points) - 1, 4 * len(points))
    return np.column_stack([np.interp(between, places, axis) for axis in points.T])
