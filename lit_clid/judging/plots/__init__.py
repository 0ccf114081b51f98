"""Figures: of an audit, of a sweep, of a gauge, of defenses."""

from lit_clid.judging.plots.audit import (
    WIDE,
    evidence_figure,
    histogram_figure,
    queries_axes,
    queries_figure,
    roc_canvas,
    roc_figure,
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
    "histogram_figure",
    "pdf",
    "plane_figure",
    "png",
    "queries_axes",
    "queries_figure",
    "roc_canvas",
    "roc_figure",
    "svg",
    "sweep_figure",
    "themed",
    "trajectory_figure",
]
