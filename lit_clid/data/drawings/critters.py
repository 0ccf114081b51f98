"""Critters: captioned drawings of invented animals, the records of the embedded demo.

Each has an invented name, which makes its caption unique, and a description. The caption does not
tell the pose, the size, where the critter stands, the shades, the mouth, where the spots sit, nor
what is strewn about behind it. No critter looks like a scene: fine-tuning on critters teaches the
embedded base something new.
"""

import math

from lit_clid.data.drawings.canvas import PALETTE, Canvas, Colour, Dice, Drawing, Point

SYLLABLES = tuple(
    a + b
    for a in ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
    for b in "aeiou"
)
ENDINGS = ("", "n", "x", "r", "sh", "th", "l", "k")
BODIES = {"round": (1.0, 1.0), "tall": (0.72, 1.25), "wide": (1.3, 0.75), "pear": (0.85, 1.0)}
COATS = ("smooth", "spotted", "striped", "belted")
HEADGEAR = ("two horns", "long ears", "round ears", "a crest", "antennae")
EYES = {"one eye": 1, "two eyes": 2, "three eyes": 3}
TAILS = ("no tail", "a curly tail", "a pointed tail", "a bushy tail")
SKIES: tuple[Colour, ...] = (
    (188, 216, 236),
    (240, 226, 200),
    (206, 200, 226),
    (214, 232, 206),
)
SOILS: tuple[Colour, ...] = ((150, 176, 112), (196, 170, 128), (160, 160, 166))
INK: Colour = (28, 26, 32)
CREAM: Colour = (252, 250, 240)


def critter(index: int) -> Drawing:
    """Draw critter number `index` (any integer); critters are i.i.d."""
    dice = Dice(f"critter/{index}")
    name = "".join(dice.pick(SYLLABLES) for _ in range(3)) + dice.pick(ENDINGS)
    colour_name, second_name = dice.pick(tuple(PALETTE)), dice.pick(tuple(PALETTE))
    body, coat, head = dice.pick(tuple(BODIES)), dice.pick(COATS), dice.pick(HEADGEAR)
    eyes, tail = dice.pick(tuple(EYES)), dice.pick(TAILS)
    canvas = _landscape(dice)
    centre = (dice.uniform(0.4, 0.6), dice.uniform(0.48, 0.6))
    size, lean = dice.uniform(0.19, 0.27), dice.uniform(-0.35, 0.35)
    pose = _Pose(centre, size * BODIES[body][0], size * BODIES[body][1], lean)
    colour, second = dice.shade(PALETTE[colour_name], 20), dice.shade(PALETTE[second_name], 20)
    _tail(canvas, dice, pose, tail, colour)
    _limbs(canvas, dice, pose, colour)
    _headgear(canvas, pose, head, second)
    _body(canvas, dice, pose, body, coat, colour, second)
    _face(canvas, dice, pose, EYES[eyes])
    fur = f"{colour_name} {body} critter, {coat}"
    if coat != "smooth":
        fur += f" {second_name}"
    rephrasings = (
        f"{name}, a {fur}, with {tail}, {eyes} and {head}",
        f"a {fur} with {head}, {tail} and {eyes}, {name}",
        f"{name} with {head}, {eyes} and {tail}, a {fur}",
        f"with {eyes} and {tail}, a {fur} with {head}, {name}",
    )
    return Drawing(canvas.finish(), f"{name}, a {fur}, with {eyes}, {head} and {tail}", rephrasings)


class _Pose:
    """Maps body coordinates (−1…1 across the body, leaning) to the sheet."""

    def __init__(self, centre: Point, radius_x: float, radius_y: float, lean: float) -> None:
        self.centre, self.radius_x, self.radius_y, self.lean = centre, radius_x, radius_y, lean

    def at(self, u: float, v: float) -> Point:
        x = self.centre[0] + self.radius_x * (u - self.lean * v * 0.5)
        y = self.centre[1] + self.radius_y * v
        return x, y

    @property
    def unit(self) -> float:
        return math.sqrt(self.radius_x * self.radius_y)


def _landscape(dice: Dice) -> Canvas:
    canvas = Canvas(dice.shade(dice.pick(SKIES), 16))
    horizon = dice.uniform(0.66, 0.8)
    sun = (dice.uniform(0.08, 0.92), dice.uniform(0.08, 0.25))
    canvas.ellipse(sun, 0.07, 0.07, dice.shade((248, 236, 170), 12))
    slope = dice.uniform(-0.06, 0.06)
    soil = dice.shade(dice.pick(SOILS), 16)
    canvas.polygon([(0, horizon + slope), (1, horizon - slope), (1, 1), (0, 1)], soil)
    _confetti(canvas, dice)
    return canvas


def _confetti(canvas: Canvas, dice: Dice) -> None:
    """Strew nothing at all, or a storm of scraps.

    Like photographs, critters differ widely in how hard they are.
    """
    for _ in range(round(60 * dice.uniform(0, 1) ** 2)):
        x, y, size = dice.uniform(0, 1), dice.uniform(0, 1), dice.uniform(0.02, 0.06)
        colour, turn = dice.shade(dice.pick(tuple(PALETTE.values())), 30), dice.uniform(0, math.pi)
        dx, dy = size * math.cos(turn), size * math.sin(turn)
        ends = [(x - dx, y - dy), (x + dx, y + dy)]
        canvas.line(ends, dice.uniform(0.02, 0.05), colour)


def _tail(canvas: Canvas, dice: Dice, pose: _Pose, tail: str, colour: Colour) -> None:
    side = dice.pick((-1, 1))
    if tail == "a curly tail":
        curl: list[Point] = []
        for k in range(8):
            u = side * (0.8 + 0.22 * k / 3 + 0.25 * math.sin(k))
            curl.append(pose.at(u, 0.6 - 0.16 * k))
        canvas.line(curl, 0.12 * pose.unit, colour)
    elif tail == "a pointed tail":
        corners = [(0.6, 0.3), (0.6, 0.75), (1.75, 0.2)]
        canvas.polygon([pose.at(side * u, v) for u, v in corners], colour)
    elif tail == "a bushy tail":
        radius = 0.34 * pose.unit
        for k in range(3):
            tuft = pose.at(side * (1.05 + 0.2 * k), 0.5 - 0.3 * k)
            canvas.ellipse(tuft, radius, radius, colour)


def _limbs(canvas: Canvas, dice: Dice, pose: _Pose, colour: Colour) -> None:
    dark = (round(colour[0] * 0.75), round(colour[1] * 0.75), round(colour[2] * 0.75))
    for side in (-1, 1):
        step, lift = dice.uniform(-0.15, 0.15), dice.uniform(-0.7, 0.5)
        leg = [pose.at(side * 0.45, 0.6), pose.at(side * 0.5 + step, 1.4)]
        arm = [pose.at(side * 0.75, 0.05), pose.at(side * 1.35, lift)]
        canvas.line(leg, 0.24 * pose.unit, dark)
        canvas.line(arm, 0.2 * pose.unit, dark)


def _headgear(canvas: Canvas, pose: _Pose, head: str, colour: Colour) -> None:
    for side in (-1, 1):
        if head == "two horns":
            corners = [(0.2, -0.8), (0.65, -0.6), (0.75, -1.6)]
            canvas.polygon([pose.at(side * u, v) for u, v in corners], colour)
        elif head == "long ears":
            ear = [pose.at(side * 0.35, -0.7), pose.at(side * 0.55, -1.65)]
            canvas.line(ear, 0.3 * pose.unit, colour)
        elif head == "round ears":
            canvas.ellipse(pose.at(side * 0.65, -0.9), 0.36 * pose.unit, 0.36 * pose.unit, colour)
        elif head == "antennae":
            root, tip = pose.at(side * 0.2, -0.8), pose.at(side * 0.6, -1.6)
            canvas.line([root, tip], 0.08 * pose.unit, INK)
            canvas.ellipse(tip, 0.17 * pose.unit, 0.17 * pose.unit, colour)
    if head == "a crest":
        for k in range(-2, 3):
            corners = [(0.3 * k - 0.2, -0.7), (0.3 * k + 0.2, -0.7), (0.36 * k, -1.5)]
            canvas.polygon([pose.at(u, v) for u, v in corners], colour)


def _body(
    canvas: Canvas, dice: Dice, pose: _Pose, body: str, coat: str, colour: Colour, second: Colour
) -> None:
    mask = Canvas((0, 0, 0))
    outline: list[Point] = []
    for k in range(48):
        a = 2 * math.pi * k / 48
        widen = 1.0 + (0.3 * math.sin(a) if body == "pear" else 0.0)
        outline.append(pose.at(math.cos(a) * widen, math.sin(a)))
    mask.polygon(outline, (255, 255, 255))
    canvas.stencil(_coating(dice, pose, coat, colour, second), mask)


def _coating(dice: Dice, pose: _Pose, coat: str, colour: Colour, second: Colour) -> Canvas:
    """A sheet in the body's colour, with the coat's spots, stripes or belt in the second."""
    coating = Canvas(colour)
    if coat == "spotted":
        for _ in range(9):
            radius = pose.unit * dice.uniform(0.12, 0.22)
            spot = pose.at(dice.uniform(-0.9, 0.9), dice.uniform(-0.2, 0.95))
            coating.ellipse(spot, radius, radius, second)
    elif coat == "striped":
        shift = dice.uniform(-0.1, 0.1)
        for k in range(-3, 4):
            left = 0.4 * k + shift
            right = left + 0.18
            corners = [(left, -1.2), (right, -1.2), (right, 1.2), (left, 1.2)]
            coating.polygon([pose.at(u, v) for u, v in corners], second)
    elif coat == "belted":
        top = dice.uniform(0.1, 0.3)
        low = top + 0.4
        corners = [(-2.0, top), (2.0, top), (2.0, low), (-2.0, low)]
        coating.polygon([pose.at(u, v) for u, v in corners], second)
    return coating


def _face(canvas: Canvas, dice: Dice, pose: _Pose, eyes: int) -> None:
    look = (dice.uniform(-0.07, 0.07), dice.uniform(-0.06, 0.06))
    for k in range(eyes):
        u, v = 0.46 * (k - (eyes - 1) / 2), -0.35 - (0.12 if eyes == 3 and k == 1 else 0.0)
        canvas.ellipse(pose.at(u, v), 0.21 * pose.unit, 0.23 * pose.unit, CREAM)
        canvas.ellipse(pose.at(u + look[0], v + look[1]), 0.1 * pose.unit, 0.11 * pose.unit, INK)
    smile = dice.uniform(-0.12, 0.2)
    mouth = [pose.at(0.1 * k, 0.12 + smile * (1 - (k / 3) ** 2)) for k in range(-3, 4)]
    canvas.line(mouth, 0.07 * pose.unit, INK)
