"""Figures under which papers publish their attacks, for comparison only."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.notation import interval
from lit_clid.judging.pages import stacked
from lit_clid.judging.report.listed import listed
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.attacks import told_columns

CAPPED = {1: "10 %", 2: "1 %", 3: "0.1 %"}
"""The FNR that a column of `HEADER` is capped at."""
HEADER = (
    "attack",
    *(f"TNR at {cap} FNR, %" for cap in CAPPED.values()),
    "oracle ASR, %",
    "AUROC of the highlighted minus this",
)


class Published(Section):
    """TNR at a capped FNR, the oracle's ASR, and differences to the headline attack."""

    template: ClassVar[str] = '{% include "published.html.j2" %}'

    def values(self, report: Report) -> Mapping[str, Any]:
        lines = [_line(name, grade) for name, grade in report.judgement.ranked]
        columns, untold = told_columns(HEADER, lines)
        return {
            "lines": lines,
            "columns": columns,
            "missing": listed([CAPPED[k] for k in untold if k in CAPPED]),
            "stacked": stacked,
        }


def _line(name: str, grade: Grade) -> list[str]:
    rates = [interval(grade.tnr_at_fnr[cap], percent=True) for cap in CAPS]
    return [name, *rates, interval(grade.oracle_asr, percent=True), interval(grade.versus_headline)]
