"""What a rate means: ten rows of ten dots, as many of them full as a hundred records would be."""

from typing import TYPE_CHECKING

from lit_clid.judging.report.drawings.svg import drawing, element

if TYPE_CHECKING:
    from markupsafe import Markup

PITCH = 12.0


def dots(full: int, kind: str, label: str) -> "Markup":
    """A hundred dots of which `full` are full, the others rings.

    Args:
        full: in [0, 100].
        kind: class of the colour, "inside" for members and suspects, "outside" for hold-outs.
        label: what is shown.
    """
    marks: list[str] = []
    for k in range(100):
        row, column = divmod(k, 10)
        name, radius = (f"full {kind}", 4.6) if k < full else ("ring", 3.6)
        x, y = (column + 0.5) * PITCH, (row + 0.5) * PITCH
        marks.append(element("circle", cx=x, cy=y, r=radius, class_=name))
    return drawing(label, 10 * PITCH, 10 * PITCH, *marks, class_="dots")
