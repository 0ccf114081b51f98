"""The comparison of defenses: what each costs in utility and buys in privacy.

It is made of the cells' tables alone.
"""

from lit_clid.judging.comparison.compare import compare
from lit_clid.judging.comparison.compared import Comparison, Defended, Point
from lit_clid.judging.comparison.measured import Measured, Usefulness
from lit_clid.judging.comparison.page import write_comparison
from lit_clid.judging.comparison.words import findings, markdown, terminal

__all__ = [
    "Comparison",
    "Defended",
    "Measured",
    "Point",
    "Usefulness",
    "compare",
    "findings",
    "markdown",
    "terminal",
    "write_comparison",
]
