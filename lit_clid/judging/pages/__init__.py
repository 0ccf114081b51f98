"""HTML pages: one look, no outside requests, everything from data escaped."""

import base64
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from markupsafe import Markup


def render(template: str, **values: Any) -> "Markup":
    """Render a template's text, which may extend this package's base.html.j2.

    Args:
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
    return Markup(environment.from_string(template).render(**values))


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
