"""How all figures look."""

import io
from pathlib import Path
from typing import Any

MEMBER, HOLDOUT, INK = "#c2410c", "#0f766e", "#1f2937"
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": INK,
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "svg.hashsalt": "lit-clid",
    "text.parse_math": False,  # a column may be called a_$x$
}


def svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Any, path: Path) -> None:
    """Write `figure` to `path` as pixels, for slides and issues."""
    figure.savefig(path, format="png", dpi=160, bbox_inches="tight", metadata={"Software": None})
