"""Figures under which papers publish their attacks, for comparison only."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.notation import interval
from lit_clid.judging.pages import stacked
from lit_clid.judging.report.section import Report, Section

CAPPED = {0: "10 %", 1: "1 %", 2: "0.1 %"}
"""The FNR that a column is capped at."""
HEADER = (
    *(f"TNR at {cap} FNR, %" for cap in CAPPED.values()),
    "oracle ASR, %",
    "AUROC of the highlighted minus this",
)


class Published(Section):
    """TNR at a capped FNR, the oracle's ASR, and differences to the headline attack."""

    template: ClassVar[str] = '{% include "published.html.j2" %}'

    def values(self, report: Report) -> Mapping[str, Any]:
        lines = {name: _line(grade) for name, grade in report.judgement.ranked}
        shown = [k for k in range(len(HEADER)) if _told(k, list(lines.values()))]
        return {
            "lines": lines,
            "columns": {k: HEADER[k] for k in shown},
            "missing": [words for k, words in CAPPED.items() if k not in shown],
            "stacked": stacked,
        }


def _told(column: int, lines: Sequence[Sequence[str]]) -> bool:
    """Whether any attack has a figure in this column."""
    return any(line[column] not in ("unresolved", "–") for line in lines)


def _line(grade: Grade) -> list[str]:
    rates = [interval(grade.tnr_at_fnr[cap], percent=True) for cap in CAPS]
    return [*rates, interval(grade.oracle_asr, percent=True), interval(grade.versus_headline)]
