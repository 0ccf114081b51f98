"""The records that the headline attack calls members most surely, with their pictures."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section


class Surest(Section):
    """The largest scores; their pictures where the records are at hand."""

    template: ClassVar[str] = """
{% if pictures %}
<h2>Records most surely recognised</h2>
<p class="soft">Largest scores of {{ judgement.headline }}; a hold-out among them is a false
alarm.</p>
<div class="card grid">
{% for p in pictures %}
<figure><img src="{{ p.data_url }}" alt="{{ p.caption }}">
<figcaption><span class="tag{% if p.member %} member{% endif %}">
{{- kind if p.member else "hold-out" }}</span> {{ "%.2f" | format(p.score) }}<br>
{{- p.caption }}<br><span class="soft">{{ p.id }}</span></figcaption></figure>
{% endfor %}
</div>
{% endif %}
"""

    def as_json(self, report: Report) -> dict[str, Any]:
        records = surest(report.judgement)
        kind = report.judgement.kind[:-1]
        return {"surest": [{"id": i, "score": s, kind: m} for i, s, m in records]}

    def values(self, report: Report) -> Mapping[str, Any]:
        if report.pictures is None:
            return {"pictures": []}
        kind = "suspect" if report.judgement.claim else "member"
        return {
            "kind": kind,
            "pictures": [report.pictures(*record) for record in surest(report.judgement)],
        }


def surest(judgement: Judgement, count: int = 12) -> list[tuple[str, float, bool]]:
    """(id, score, member) of the `count` records with the largest headline score.

    Hold-outs among them are included.
    """
    target = judgement.target
    score = judgement.grades[judgement.headline].verdict.score
    order = (-score).argsort(kind="stable")[:count]
    return [(target.ids[k], float(score[k]), bool(target.member[k])) for k in order]
