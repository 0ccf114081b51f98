"""Names of curves beside the curves themselves, where they cover least."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HEIGHT, LETTER, GAP = 15.0, 6.9, 5.0
"""Of a line and of a letter, and between a curve and its name, in pixels."""


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
    every = np.concatenate(list(curves))
    placed: list[Box] = []
    for name, points in zip(names, curves, strict=True):
        wide = LETTER * len(name) + 4
        best, cost = Box(frame.right - wide, frame.top, frame.right, frame.top + HEIGHT), np.inf
        for x, y in points[::3]:
            for box in _beside(float(x), float(y), wide):
                if not box.within(frame) or any(box.meets(other) for other in placed):
                    continue
                price = box.covers(every) + 0.001 * abs(x - (frame.left + frame.right) / 2)
                if price < cost:
                    best, cost = box, price
        placed.append(best)
    return placed


def _beside(x: float, y: float, wide: float) -> tuple[Box, Box]:
    """Above a point to the left, and below it to the right."""
    above = Box(x - GAP - wide, y - GAP - HEIGHT, x - GAP, y - GAP)
    below = Box(x + GAP, y + GAP, x + GAP + wide, y + GAP + HEIGHT)
    return above, below
