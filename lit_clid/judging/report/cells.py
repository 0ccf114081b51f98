"""The cells of a report's tables: a figure with its interval, and what an attack costs."""

from lit_clid.judging.evidence import Figure, Unresolved
from lit_clid.judging.grades import Grade


def interval(figure: Figure | None, percent: bool = False) -> str:
    """ "0.712 [0.665, 0.756]", or in percent; "unresolved" or "–" where there is no number."""
    if figure is None:
        return "–"
    if isinstance(figure, Unresolved):
        return figure.shown
    scale, digits = (100, 1) if percent else (1, 3)

    def rounded(number: float) -> str:
        return f"{round(scale * number, digits) + 0.0:.{digits}f}"  # no "-0.000"

    return f"{rounded(figure.value)} [{rounded(figure.low)}, {rounded(figure.high)}]"


def queries(grade: Grade) -> str:
    """ "15", or "10 + 1∇" with backward passes."""
    if grade.queries is None:
        return "–"
    return f"{grade.queries} + {grade.backward}∇" if grade.backward else str(grade.queries)
