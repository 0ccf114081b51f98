"""The opening of the report: its name, and whose records it speaks of."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.report.section import Report, Section

NAMES = {"members": "members", "suspects": "suspects", "nonmembers": "hold-outs"}


class Opening(Section):
    """The report's name and its records."""

    template: ClassVar[str] = """
<h1>{{ title }}</h1>
<p class="soft">Membership audit of {{ records }}, {% if judgement.shadow is not none %}
calibrated on a shadow model with {{ judgement.shadow.ids | length }} records{% else %}
without a shadow model{% endif %}.</p>
"""

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"name": report.title}

    def values(self, report: Report) -> Mapping[str, Any]:
        counts = report.judgement.counts
        words = [f"{counts[kind]} {NAMES[kind]}" for kind in NAMES if kind in counts]
        return {"records": f"{', '.join(words[:-1])} and {words[-1]}"}
