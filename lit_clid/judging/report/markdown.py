"""Text from data as Markdown shows it literally, in a line or in a table's cell."""

from collections.abc import Sequence

SIGNS = set("\\`*_[]#~$|")
"""What Markdown would read, in text or in a table."""
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "://": "&#58;//"}
"""HTML, mentions and links, which are broken by writing them as HTML does."""


def literal(text: str) -> str:
    """The text on one line, every sign of it literal."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    escaped = "".join(f"\\{sign}" if sign in SIGNS else sign for sign in line)
    for sign, entity in ENTITIES.items():
        escaped = escaped.replace(sign, entity)
    return escaped


def table(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table; its cells are escaped already."""
    rows = [heading, ["---"] * len(heading), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
