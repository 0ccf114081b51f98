"""Controls: what else than training would explain what was found."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.controls.control import FIRES
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section


class Controls(Section):
    """Every control, as a light that is green, amber or red."""

    template: ClassVar[str] = """
{% if judgement.controls %}
<h2>Controls</h2>
<div class="card">
<table>
{% for each in judgement.controls %}
<tr><td><span role="img" aria-label="{{ each.state }}"
style="color: {{ colours[each.state] }}">●</span></td>
<td>{{ each.title }}</td><td style="white-space: normal">{{ each.words }}</td></tr>
{% endfor %}
</table>
</div>
{% endif %}
"""

    def words(self, report: Report) -> str:
        said = [each.words for each in report.judgement.controls if each.state != FIRES]
        return f"Controls: {' '.join(said)}" if said else ""

    def as_json(self, report: Report) -> dict[str, Any]:
        found: dict[str, list[dict[str, Any]]] = {}
        for each in report.judgement.controls:
            found.setdefault(each.name, []).append(each.as_json())
        return {"controls": found} if found else {}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"colours": {"quiet": "#15803d", "notice": "#b45309", "fires": "#b91c1c"}}


def warning(judgement: Judgement, kind: str) -> str:
    """What stands before what is said of members or suspects where a control does not bear it out;
    empty if none fires.
    """
    fired = [each.words for each in judgement.fired if each.kind == kind]
    if not fired:
        return ""
    return f"NOT CONCLUSIVE: {' '.join(fired)} Taken at face value:"
