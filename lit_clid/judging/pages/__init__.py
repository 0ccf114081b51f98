"""HTML pages: one look, no outside requests, everything from data escaped."""

import base64
import io
from typing import Any

from PIL import Image


def render(package: str, template: str, functions: dict[str, Any], **values: Any) -> str:
    """Render a template of `package`, which may extend this package's base.html.j2.

    Args:
        functions: that the template calls.
        values: that it shows; only markupsafe's Markup is not escaped.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package, ""), PackageLoader("lit_clid.judging.pages", "")])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= functions
    return environment.get_template(template).render(**values)


def data_url(image: Image.Image, most: int) -> str:
    """The image, at most `most` pixels wide and high, as a data: URL."""
    small = image.copy()
    small.thumbnail((most, most))
    out = io.BytesIO()
    small.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
