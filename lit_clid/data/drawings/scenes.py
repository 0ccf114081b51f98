"""Scenes: captioned drawings of two objects, for pre-training the embedded base.

The caption tells each object's size, colour, texture, shape and place, and the ground's colour. It
does not tell the exact position, scale, rotation and shade, the pitch and angle of the texture, nor
how the ground fades.
"""

import math

from lit_clid.data.drawings.canvas import (
    PALETTE,
    Canvas,
    Colour,
    Dice,
    Drawing,
    Point,
    level,
    ring_of_points,
)

SHAPES = (
    "disc",
    "square",
    "triangle",
    "star",
    "ring",
    "cross",
    "diamond",
    "crescent",
    "hexagon",
    "heart",
    "house",
    "tree",
    "fish",
    "flower",
)
TEXTURES = ("plain", "striped", "dotted", "checked")
SIZES = {"small": 0.15, "large": 0.235}
PLACES: tuple[tuple[tuple[str, Point], tuple[str, Point]], ...] = (
    (("on the left", (0.27, 0.5)), ("on the right", (0.73, 0.5))),
    (("at the top", (0.5, 0.27)), ("at the bottom", (0.5, 0.73))),
    (("top left", (0.28, 0.28)), ("bottom right", (0.72, 0.72))),
    (("bottom left", (0.28, 0.72)), ("top right", (0.72, 0.28))),
)
CORNERS: dict[str, list[Point]] = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "diamond": [(0, -1.1), (0.7, 0), (0, 1.1), (-0.7, 0)],
    "house": [
        (-0.8, 1),
        (-0.8, -0.1),
        (-1, -0.1),
        (0, -1.05),
        (1, -0.1),
        (0.8, -0.1),
        (0.8, 1),
    ],
    "tree": [
        (-0.2, 1),
        (-0.2, 0.45),
        (-0.85, 0.45),
        (0, -1.1),
        (0.85, 0.45),
        (0.2, 0.45),
        (0.2, 1),
    ],
    "cross": [
        (-0.32, -1),
        (0.32, -1),
        (0.32, -0.32),
        (1, -0.32),
        (1, 0.32),
        (0.32, 0.32),
        (0.32, 1),
        (-0.32, 1),
        (-0.32, 0.32),
        (-1, 0.32),
        (-1, -0.32),
        (-0.32, -0.32),
    ],
}
"""Polygons of radius one."""
REGULAR = {"triangle": ([1.1], 3), "hexagon": ([1.0], 6), "star": ([1.15, 0.48], 10)}
"""(radii in turn, count) of points around the centre."""
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


def scene(index: int) -> Drawing:
    """Draw scene number `index` (any integer); scenes are i.i.d."""
    dice = Dice(f"scene/{index}")
    ground_name = dice.pick(tuple(PALETTE))
    canvas = _ground(dice, dice.shade(PALETTE[ground_name], 18))
    colours = tuple(name for name in PALETTE if name != ground_name)
    phrases: list[str] = []
    for place, centre in dice.pick(PLACES):
        phrases.append(_object(canvas, dice, dice.pick(colours), place, centre))
    return Drawing(canvas.finish(), f"{phrases[0]} and {phrases[1]}, on {ground_name} ground")


def _ground(dice: Dice, colour: Colour) -> Canvas:
    """Paint a ground that grows lighter or darker downwards."""
    canvas, fade = Canvas(colour), dice.uniform(-40, 40)
    steps = 16
    for k in range(steps):
        lighter = fade * (k / (steps - 1) - 0.5)
        red, green, blue = (level(c + lighter) for c in colour)
        canvas.polygon([(0, k / steps), (1, k / steps), (1, 1), (0, 1)], (red, green, blue))
    return canvas


def _object(canvas: Canvas, dice: Dice, colour_name: str, place: str, centre: Point) -> str:
    """Draw one object near `centre` and return the phrase that describes it."""
    size, shape, texture = dice.pick(tuple(SIZES)), dice.pick(SHAPES), dice.pick(TEXTURES)
    x, y = centre[0] + dice.uniform(-0.05, 0.05), centre[1] + dice.uniform(-0.05, 0.05)
    radius, turn = SIZES[size] * dice.uniform(0.88, 1.12), dice.uniform(-0.3, 0.3)
    mask = Canvas(BLACK)
    _shape(mask, shape, (x, y), radius, turn)
    canvas.stencil(_texture(dice, texture, dice.shade(PALETTE[colour_name], 22)), mask)
    return f"a {size} {colour_name} {texture} {shape} {place}"


def _texture(dice: Dice, texture: str, colour: Colour) -> Canvas:
    """Cover a whole sheet with `texture`.

    The second tone is lighter on dark colours and darker on light ones.
    """
    towards = 255 if sum(colour) < 360 else 0
    red, green, blue = (round(c + 0.5 * (towards - c)) for c in colour)
    other, sheet = (red, green, blue), Canvas(colour)
    pitch, angle = dice.uniform(0.09, 0.13), dice.uniform(0, math.pi)
    cells = [(i, j) for i in range(-12, 13) for j in range(-12, 13)]
    along, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))

    def at(i: float, j: float) -> Point:
        x = 0.5 + pitch * (i * along[0] + j * across[0])
        y = 0.5 + pitch * (i * along[1] + j * across[1])
        return x, y

    if texture == "striped":
        for i in range(-12, 13):
            sheet.polygon([at(i, -14), at(i + 0.5, -14), at(i + 0.5, 14), at(i, 14)], other)
    elif texture == "dotted":
        for i, j in cells:
            sheet.ellipse(at(i, j), 0.3 * pitch, 0.3 * pitch, other)
    elif texture == "checked":
        for i, j in cells:
            if (i + j) % 2 == 0:
                sheet.polygon([at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)], other)
    return sheet


def _shape(mask: Canvas, shape: str, centre: Point, r: float, turn: float) -> None:
    """Draw `shape` of radius `r` in white, turned by `turn` radians where a turn can be seen."""
    x, y = centre

    def turned(points: list[Point]) -> list[Point]:
        cos, sin = math.cos(turn), math.sin(turn)
        return [(x + r * (u * cos - v * sin), y + r * (u * sin + v * cos)) for u, v in points]

    if shape in CORNERS:
        mask.polygon(turned(CORNERS[shape]), WHITE)
    elif shape in REGULAR:
        radii, count = REGULAR[shape]
        mask.polygon(ring_of_points(centre, [r * k for k in radii], count, turn), WHITE)
    elif shape == "heart":
        for side in (-1, 1):
            mask.ellipse(turned([(0.45 * side, -0.35)])[0], 0.55 * r, 0.55 * r, WHITE)
        mask.polygon(turned([(-0.97, -0.15), (0.97, -0.15), (0, 1.05)]), WHITE)
    elif shape == "fish":
        mask.ellipse(turned([(0.15, 0)])[0], 0.85 * r, 0.55 * r, WHITE)
        mask.polygon(turned([(-0.5, 0), (-1.15, -0.55), (-1.15, 0.55)]), WHITE)
    elif shape == "flower":
        for petal in ring_of_points(centre, [0.62 * r], 6, turn):
            mask.ellipse(petal, 0.36 * r, 0.36 * r, WHITE)
        mask.ellipse(centre, 0.45 * r, 0.45 * r, WHITE)
    else:
        mask.ellipse(centre, r, r, WHITE)
        if shape == "ring":
            mask.ellipse(centre, 0.52 * r, 0.52 * r, BLACK)
        elif shape == "crescent":
            mask.ellipse(turned([(0.5, -0.2)])[0], 0.8 * r, 0.8 * r, BLACK)
