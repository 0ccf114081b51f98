"""Figures: of an audit, of a sweep, of a gauge, of defenses."""

from lit_clid.judging.plots.audit import (
    WIDE,
    evidence_figure,
    histogram_canvas,
    queries_axes,
    queries_canvas,
    roc_canvas,
    sweep_figure,
)
from lit_clid.judging.plots.defenses import heat_map, plane_figure, trajectory_figure
from lit_clid.judging.plots.gauge import gauge_figure
from lit_clid.judging.plots.style import STYLE, pdf, png, svg, themed

__all__ = [
    "STYLE",
    "WIDE",
    "evidence_figure",
    "gauge_figure",
    "heat_map",
    "histogram_canvas",
    "pdf",
    "plane_figure",
    "png",
    "queries_axes",
    "queries_canvas",
    "roc_canvas",
    "svg",
    "sweep_figure",
    "themed",
    "trajectory_figure",
]
