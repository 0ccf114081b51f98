"""Brush and dice shared by the two embedded families of drawings (`scenes`, `critters`).

A drawing is a function of one integer: the same pixels on every machine. Randomness therefore uses
nothing but `random.Random(str).random()`, whose stream Python guarantees, and shapes are rasterised
by PIL at four times the final size and box-averaged down.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image, ImageDraw

SIZE = 64
"""Side of a finished drawing in pixels."""
OVERSAMPLE = 4
Colour = tuple[int, int, int]
Point = tuple[float, float]
Item = TypeVar("Item")

PALETTE: dict[str, Colour] = {
    "red": (214, 48, 49),
    "orange": (238, 140, 40),
    "yellow": (245, 214, 66),
    "green": (56, 160, 84),
    "teal": (42, 170, 178),
    "blue": (52, 96, 200),
    "purple": (132, 70, 180),
    "pink": (238, 132, 176),
    "brown": (130, 86, 52),
    "white": (244, 244, 240),
    "grey": (142, 146, 152),
    "black": (34, 34, 40),
}


@dataclass(frozen=True)
class Drawing:
    """A captioned 64×64 RGB drawing, and other ways to say the caption."""

    image: Image.Image
    caption: str
    rephrasings: tuple[str, ...] = ()


class Dice:
    """Random choices from the stream named `name`, the same on every machine and Python version."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(name).random

    def uniform(self, low: float, high: float) -> float:
        """Draw a real number in [low, high)."""
        return low + (high - low) * self._random()

    def pick(self, items: Sequence[Item]) -> Item:
        """Draw one item, all equally likely."""
        return items[int(self._random() * len(items))]

    def shade(self, colour: Colour, spread: float) -> Colour:
        """Move every channel of `colour` by up to `spread` levels: "red" is a family of reds."""
        red, green, blue = (level(c + self.uniform(-spread, spread)) for c in colour)
        return red, green, blue


def level(value: float) -> int:
    """The nearest of the levels 0…255 that a channel can have."""
    return round(min(255.0, max(0.0, value)))


class Canvas:
    """A 64×64 sheet; coordinates and widths are in units of its side, (0, 0) top left."""

    def __init__(self, background: Colour) -> None:
        self.scale = SIZE * OVERSAMPLE
        self.sheet = Image.new("RGB", (self.scale, self.scale), background)
        self._pen = ImageDraw.Draw(self.sheet)

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill the closed polygon through `points`."""
        self._pen.polygon(self._pixels(points), fill=fill)

    def ellipse(self, centre: Point, radius_x: float, radius_y: float, fill: Colour) -> None:
        """Fill an upright ellipse."""
        x, y = centre
        corners = [(x - radius_x, y - radius_y), (x + radius_x, y + radius_y)]
        self._pen.ellipse(self._pixels(corners), fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """Stroke a line with round joints and ends."""
        thick = max(1, round(width * self.scale))
        self._pen.line(self._pixels(points), fill=fill, width=thick, joint="curve")
        for point in (points[0], points[-1]):
            self.ellipse(point, width / 2, width / 2, fill)

    def stencil(self, texture: "Canvas", mask: "Canvas") -> None:
        """Copy `texture` onto this sheet wherever `mask` is white."""
        self.sheet.paste(texture.sheet, (0, 0), mask.sheet.convert("L"))

    def finish(self) -> Image.Image:
        """Return the sheet averaged down to 64×64."""
        return self.sheet.reduce(OVERSAMPLE)


def ring_of_points(centre: Point, radii: Sequence[float], count: int, turn: float) -> list[Point]:
    """Place points around a centre at cyclic radii.

    Args:
        centre: (x, y).
        radii: taken in turn.
        count: of points.
        turn: angle of the first, in radians, clockwise.
    """
    x, y = centre
    points: list[Point] = []
    for k in range(count):
        angle = turn + 2 * math.pi * k / count
        radius = radii[k % len(radii)]
        points.append((x + radius * math.sin(angle), y - radius * math.cos(angle)))
    return points
