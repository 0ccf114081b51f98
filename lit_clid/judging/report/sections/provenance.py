"""Where the tables come from: how the model was made and asked, and which records are missing."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.report.section import Report, Section

DETAILS = ("training.", "config.", "claims.")
"""Beginnings of the keys that the page folds away."""
ELSEWHERE = ("attacks", "skipped", "quarantined", "version")
"""Keys that are told in other places."""


class Provenance(Section):
    """Records left out, and what the tables tell of their making."""

    template: ClassVar[str] = '{% include "provenance.html.j2" %}'

    def as_json(self, report: Report) -> dict[str, Any]:
        judgement = report.judgement
        return {
            "skipped": list(judgement.skipped),
            "columns_set_aside": list(judgement.target.aside),
            "provenance": judgement.provenance,
        }

    def values(self, report: Report) -> Mapping[str, Any]:
        rows = flat(report.judgement.provenance["target"])
        shown = [row for row in rows if not row[0].startswith(DETAILS)]
        details = [row for row in rows if row[0].startswith(DETAILS)]
        return {"shown": shown, "details": details}


def flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested plain values as (dotted key, text) rows.

    Attacks and the training's whole config are in report.json.
    """
    rows: list[tuple[str, str]] = []
    for key, value in content.items():
        if key in ELSEWHERE or (prefix, key) == ("training.", "config"):
            continue
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", "–" if value is None else str(value)))
    return rows
