"""Where the tables come from: how the model was made and asked, and which records are missing."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.report.section import Report, Section

DETAILS = ("training.", "config.", "claims.")
"""Beginnings of the keys that the page folds away."""


class Provenance(Section):
    """Records left out, and what the tables tell of their making."""

    template: ClassVar[str] = """
{% macro facts(rows) %}
{% for key, value in rows %}
<tr><td>{{ key }}</td><td>{{ value }}</td></tr>
{% endfor %}
{% endmacro %}
<h2>Provenance</h2>
<div class="card"><table class="facts">
<tr><td>records skipped</td><td>{{ judgement.skipped | length }}
{%- if judgement.skipped %}: {{ judgement.skipped | join("; ") | truncate(800) }}{% endif %}
</td></tr>
{% if judgement.target.aside %}
<tr><td>columns not taken for signals</td><td>{{ judgement.target.aside | join("; ") }}</td></tr>
{% endif %}
{% if judgement.unjudged %}
<tr><td>not judged</td><td>{{ judgement.unjudged | join(", ") }} (need a shadow)</td></tr>
{% endif %}
{{ facts(shown) }}
</table>
<details><summary>How the model was trained and asked, key by key</summary>
<table class="facts">
{{ facts(details) }}
</table></details></div>
"""

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
        if key in ("attacks", "skipped", "version") or (prefix, key) == ("training.", "config"):
            continue
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", "–" if value is None else str(value)))
    return rows
