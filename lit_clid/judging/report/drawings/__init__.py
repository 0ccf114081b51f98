"""Drawings of the page as inline SVG: colours are the style sheet's, by class, so that they follow
light and dark; each tells a screen reader what it shows.
"""

from lit_clid.judging.report.drawings.dots import dots
from lit_clid.judging.report.drawings.forest import Forest
from lit_clid.judging.report.drawings.histogram import Mark, histogram
from lit_clid.judging.report.drawings.roc import roc

__all__ = ["Forest", "Mark", "dots", "histogram", "roc"]
