"""HTML pages: one look, no outside requests, everything from data escaped.

Style sheet and scripts lie beside the templates and are set into the page. Its policy lets those
very scripts run, by their hashes, and nothing else.
"""

import base64
import hashlib
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from markupsafe import Markup

HERE = Path(__file__).parent
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FONT = 'svg { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }'
MARGIN = 20
"""Pixels at the right for labels that stand out of a drawing of the page."""
NARROW = "main { padding: 4px 14px 18px; margin: 0; } main > .verdict { margin-top: 10px; }"
"""What a piece of another page leaves out of the page's margins."""
UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script element or a line of it, as JSON writes it otherwise."""


def render(template: str, scripts: Sequence[str] = (), **values: Any) -> "Markup":
    """Render a template's text, which may extend this package's base.html.j2.

    Args:
        scripts: files of this package that the page runs.
        values: that it shows; only markupsafe's Markup is not escaped, and a missing one is an
            error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lit_clid.judging.pages", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = [_text(name) for name in scripts]
    environment.globals |= {
        "stylesheet": Markup(_text("page.css")),
        "scripts": [Markup(text) for text in texts],
        "policy": policy(texts),
    }
    return Markup(environment.from_string(template).render(**values))


def policy(scripts: Sequence[str]) -> str:
    """The Content-Security-Policy of a page that runs these texts."""
    digests = [hashlib.sha256(text.encode()).digest() for text in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return f"{POLICY}; script-src {hashes}" if hashes else POLICY


def fragment(parts: Sequence[str]) -> str:
    """Parts of a page as a piece of another, such as a notebook, that changes nothing around it."""
    from markupsafe import Markup

    style = re.sub(r"(?<![\w.-])(:root|html|body)(?= \{)", "&", _text("page.css"))
    style = style.split("@page", 1)[0]
    inside = Markup("\n").join(parts)
    return (
        f'<div class="lit-clid"><style>.lit-clid {{\n{style}\n{NARROW}}}</style>'
        f"<main>{inside}</main></div>"
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def standalone(drawing: str) -> str:
    """A drawing of the page, or a figure in its colours, as a file that follows light and dark."""
    opening, rest = drawing.split(">", 1)
    if "xmlns=" not in opening:
        opening += ' xmlns="http://www.w3.org/2000/svg" overflow="visible"'
        opening = re.sub(r"0 0 ([\d.]+)", lambda size: f"0 0 {float(size[1]) + MARGIN:g}", opening)
    return f"{opening}><style>{_text('page.css')}\n{FONT}</style>{rest}\n"


def data_block(content: Any) -> "Markup":
    """Plain values as the JSON text of a script element that holds data."""
    from markupsafe import Markup

    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(UNSAFE))


def stacked(words: str) -> "Markup":
    """A table's cell with the interval of "0.712 [0.665, 0.756]" on a line of its own.

    "; runs […]" stands on another.
    """
    from markupsafe import Markup, escape

    value, bracket, interval = words.partition(" [")
    if not bracket:
        return escape(words)
    own, over, runs = f"[{interval}".partition("; runs ")
    lines = Markup("<br>").join([own, f"runs {runs}"] if over else [own])
    return Markup('{}<br><span class="range">{}</span>').format(value, lines)


def data_url(image: Image.Image, most: int) -> str:
    """The image, at most `most` pixels wide and high, as a data: URL."""
    small = image.copy()
    small.thumbnail((most, most))
    out = io.BytesIO()
    small.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
