"""The opening of the report: its name, and whose records it speaks of."""

from typing import Any, ClassVar

from lit_clid.judging.report.section import Report, Section


class Opening(Section):
    """The report's name and its records."""

    template: ClassVar[str] = """
<h1>{{ title }}</h1>
<p class="soft">Membership audit of {{ judgement.members }} member and {{ judgement.holdouts }}
hold-out records, {% if judgement.shadow is not none %}calibrated on a shadow model with
{{ judgement.shadow.ids | length }} records{% else %}without a shadow model{% endif %}.</p>
"""

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"name": report.title}
