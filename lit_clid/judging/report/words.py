"""The report in words, for the terminal: the sections' tables, then their sentences."""

from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections import SECTIONS


def terminal(report: Report) -> str:
    """Paragraphs, an empty line apart."""
    tables = [section.table(report) for section in SECTIONS]
    words = [section.words(report) for section in SECTIONS]
    return "\n\n".join(part for part in [*tables, *words] if part)
