"""Draw the house from its imports: `python docs/draw_house.py` writes docs/house.svg.

An arrow enters a room whose modules are imported; a line without a head passes behind. A wing that
imports nothing of the floors between stands on the ground itself. The picture changes with the
modules and their imports, not with their length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from house import FLOORS, GROUND, contents, entered, summary

OUT = Path(__file__).parent / "house.svg"
INK, SOFT, PAPER = "#1f2937", "#6b7280", "#ffffff"
COLOURS = {
    "training": ("#0f766e", "#f0fdfa"),
    "auditing": ("#c2410c", "#fff7ed"),
    "judging": ("#4338ca", "#eef2ff"),
}
PLAIN = ("#4b5563", "#f9fafb")
PLACES = {"training": 0.25, "auditing": 0.75, "models": 0.42, "data": 0.5, "config": 0.58}
"""Where along its width a room's arrow leaves."""
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
DOORSTEPS = "train.py     audit.py     lit-clid     python -m lit_clid     import lit_clid"
WIDTH, EDGE, LANE, GAP, PAD, ROOF = 1000, 20, 36, 34, 14, 112
LEAD, BREAK = 16.5, 6
LETTER = 0.53
"""Width of a letter, in units of the font's size."""


@dataclass
class Box:
    """A room on the sheet, in pixels; what it is for, then a paragraph for each package in it."""

    name: str
    x: float
    y: float
    width: float
    said: list[str]
    paragraphs: list[list[tuple[str, str]]]
    height: float = 0.0

    def __post_init__(self) -> None:
        lines = len(self.said) + sum(map(len, self.paragraphs))
        self.height = 40 + LEAD * lines + BREAK * len(self.paragraphs)
        self.needed = self.height

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def colours(self) -> tuple[str, str]:
        """Edge and paper."""
        return COLOURS.get(self.name, PLAIN)


def wrapped(words: Sequence[str], between: str, width: float, size: float) -> list[str]:
    """Words in lines of at most `width` pixels."""
    most, lines = int(width / (LETTER * size)), [""]
    for word in words:
        longer = f"{lines[-1]}{between}{word}" if lines[-1] else word
        if len(longer) > most:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def furnished(name: str, x: float, y: float, width: float, *, told: bool = False) -> Box:
    """A room with its text, as high as it needs; `told` adds what each package in it is for."""
    inner, paragraphs = width - 2 * PAD, []
    for package, names in contents(name):
        lines = [(line, INK) for line in wrapped(names, "   ", inner, 11)]
        if package != name and told:
            said = wrapped(summary(package).split(), " ", inner, 11)
            lines += [(line, SOFT) for line in said]
        paragraphs += [lines] if names else []
    return Box(name, x, y, width, wrapped(summary(name).split(), " ", inner, 11.5), paragraphs)


def plan() -> list[Box]:
    """The rooms above the ground: commands, the wings, the floors that carry them."""
    *carrying, wings, (commands,), _ = FLOORS[1:]
    between = {name for rooms in carrying for name in rooms}
    ordered = sorted(wings, key=lambda wing: not entered(wing) & between)
    carried = [wing for wing in ordered if entered(wing) & between]
    left, whole = EDGE + LANE, WIDTH - 2 * EDGE - LANE
    column = (whole - GAP * (len(wings) - 1)) / len(wings)
    roof = furnished(commands, left, ROOF, whole)
    top = roof.bottom + GAP
    row = []
    for k, name in enumerate(ordered):
        x = left + k * (column + GAP)
        row.append(furnished(name, x, top, column, told=name not in carried))
    bottom = max(box.bottom for box in row if box.name in carried)
    lower, width = [], len(carried) * (column + GAP) - GAP
    for box in row:
        box.height = bottom - top if box.name in carried else box.height
    for (name,) in reversed(carrying):
        lower.append(furnished(name, left, bottom + GAP, width))
        bottom = lower[-1].bottom
    for box in row:
        box.height = box.height if box.name in carried else max(bottom - top, box.height)
    return [roof, *row, *lower]


def text(x: float, y: float, words: str, size: float, colour: str, more: str = "") -> str:
    look = f'font-size="{size:g}" fill="{colour}" xml:space="preserve"{more}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, edge: str, paper: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} rx="5" fill="{paper}" stroke="{edge}" stroke-width="1.2"/>'


def painted(box: Box) -> Iterator[str]:
    edge, paper = box.colours
    yield rectangle(box.x, box.y, box.width, box.height, edge, paper)
    yield text(box.x + PAD, box.y + 24, box.name, 16, edge, ' font-weight="bold"')
    y = box.y + 43
    for line in box.said:
        yield text(box.x + PAD, y, line, 11.5, SOFT)
        y += LEAD
    spare = (box.height - box.needed) / len(box.paragraphs)
    for lines in box.paragraphs:
        y += BREAK + min(spare, LEAD)
        for line, colour in lines:
            yield text(box.x + PAD, y, line, 11, colour)
            y += LEAD


def roof(left: float, right: float) -> Iterator[str]:
    """The doors, over everything."""
    middle = (left + right) / 2
    points = f"{left - 14:.1f},{ROOF - 8} {middle:.1f},14 {right + 14:.1f},{ROOF - 8}"
    yield f'<polygon points="{points}" fill="{INK}" stroke="{INK}" stroke-linejoin="round"/>'
    centred = ' text-anchor="middle"'
    yield text(middle, ROOF - 48, "doors", 16, PAPER, f'{centred} font-weight="bold"')
    yield text(middle, ROOF - 24, DOORSTEPS, 12, PAPER, centred)


def slab(left: float, right: float, y: float) -> Iterator[str]:
    """The ground, of loose files."""
    yield rectangle(left, y, right - left, 58, INK, INK)
    width = (right - left - PAD) / len(GROUND) - PAD
    for k, name in enumerate(GROUND):
        x = left + PAD + k * (width + PAD)
        yield rectangle(x, y + 11, width, 36, INK, "#e5e7eb")
        yield text(x + width / 2, y + 33.5, name, 13, INK, ' text-anchor="middle"')


def down(x: float, start: float, stops: Sequence[float], colour: str) -> Iterator[str]:
    """A line from `start` to the last of `stops`, with a head at each."""
    look = f'stroke="{colour}" stroke-width="1.6"'
    yield f'<line x1="{x:.1f}" y1="{start:.1f}" x2="{x:.1f}" y2="{max(stops) - 6:.1f}" {look}/>'
    for y in stops:
        points = f"{x - 5:.1f},{y - 10:.1f} {x + 5:.1f},{y - 10:.1f} {x:.1f},{y - 1:.1f}"
        yield f'<polygon points="{points}" fill="{colour}"/>'


def aside(box: Box, stops: Sequence[float]) -> Iterator[str]:
    """The lane beside the house: from a room's side down, into every floor at `stops`."""
    x, start, colour = box.x - LANE / 2 - 2, box.y + box.height / 2, box.colours[0]
    path = f"M{box.x:.1f},{start:.1f} H{x:.1f} V{max(stops):.1f}"
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    for y in stops:
        yield f'<path d="M{x:.1f},{y:.1f} H{box.x - 8:.1f}" stroke="{colour}" stroke-width="1.6"/>'
        points = f"{box.x - 10:.1f},{y - 5:.1f} {box.x - 10:.1f},{y + 5:.1f} {box.x - 1:.1f},{y}"
        yield f'<polygon points="{points}" fill="{colour}"/>'


def arrows(boxes: Sequence[Box], ground: float) -> Iterator[str]:
    commands, *rest = boxes
    wings = set(FLOORS[-3])
    inside = entered(commands.name)
    for box in rest:
        if box.name in wings & inside:
            yield from down(box.x + box.width / 2, commands.bottom, [box.y], commands.colours[0])
        tops = {each.name: each.y for each in rest} | {"": ground}
        stops = sorted(tops[name] for name in entered(box.name))
        x = box.x + PLACES.get(box.name, 0.5) * box.width
        yield from down(x, box.bottom, stops, box.colours[0])
    sides = {each.name: each.y + 24 for each in rest if each.name not in wings} | {"": ground + 29}
    yield from aside(commands, sorted(sides[name] for name in inside - wings))


def drawing() -> str:
    """The picture as SVG text."""
    boxes = plan()
    left, right = boxes[0].x, boxes[0].x + boxes[0].width
    ground = max(box.bottom for box in boxes) + GAP
    height = ground + 58 + EDGE
    parts = [*arrows(boxes, ground), *roof(left, right), *slab(left, right, ground)]
    for box in boxes:
        parts += painted(box)
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">'
    paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    return "\n".join([head, "<title>The rooms of lit_clid</title>", paper, *parts, "</svg>", ""])


if __name__ == "__main__":
    OUT.write_text(drawing(), encoding="utf-8")
