"""Every attack with its figures, strongest first, and what the audit asked in all."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid import console
from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.pages import stacked
from lit_clid.judging.report.section import Report, Section

HEADER = ("attack", "queries", "AUROC", "ASR", "TPR@10%FPR", "TPR@1%FPR", "TPR@0.1%FPR")

WEAKENED = "*"
"""Marks attacks that live on the caption where it singles out no record."""


class AttackTable(Section):
    """The table of attacks."""

    template: ClassVar[str] = """
<h2>Attacks</h2>
<div class="card">
<table>
<tr><th>attack</th><th>queries<br>per record</th><th>AUROC</th><th>ASR<br>%</th>
<th>TPR at<br>10 % FPR, %</th><th>TPR at<br>1 % FPR, %</th><th>TPR at<br>0.1 % FPR, %</th></tr>
{% for (name, grade), line in lines %}
<tr{% if name == judgement.headline %} class="headline"{% endif %}>
<td title="{{ grade.verdict.rule }}">{{ grade.title }}<br><span class="range">{{ name }}
{%- if name in judgement.weakened %} {{ mark }}{% endif %}</span></td>
{% for words in line[1:] %}
<td>{{ stacked(words) }}</td>
{% endfor %}
</tr>
{% endfor %}
</table>
</div>
<p class="soft">Value [95 % interval, stratified bootstrap over the audited records; what was fitted
on shadow is held fixed]. Highlighted: the attack the verdict speaks of,
{% if judgement.chosen == "named" %}
named beforehand.
{% elif judgement.chosen == "default" %}
the first of a list fixed beforehand.
{% elif judgement.chosen == "shadow" %}
the strongest on the shadow model's own records.
{% else %}
the strongest here, which flatters its figures: the verdict tests the maximum over attacks.
{% endif %}
{% if judgement.claim %}
AUROC: how often a suspect scores higher than a hold-out. Suspects stand where members of known
membership would; if a part of them was used, the figures speak of a mixture.
{% endif %}
ASR is the balanced accuracy at the threshold carried over from shadow. TPR counts members as the
positive class, at the largest threshold set whose FPR does not exceed the cap; “unresolved” means
that there are too few hold-outs to show such a rate.
{% if judgement.reference %}
{% if judgement.shadow %}
“− β · reference” (…_ref) subtracts β times the signals of {{ judgement.reference }}, asked about
the same records on the same draws; β is each signal's slope over the shadow's hold-outs.
{% else %}
“− reference” (…_ref) subtracts the signals of {{ judgement.reference }}, asked about the same
records on the same draws.
{% endif %}
{% endif %}
{% if judgement.queries %}
“n + m∇” is n queries and m backward passes.
{% endif %}
{% if judgement.weakened %}
“{{ mark }}” lives on the caption, which members and hold-outs share here.
{% endif %}
{% if cost %}
Asked in all: {{ cost }}
{% endif %}
</p>
"""

    def table(self, report: Report) -> str:
        return console.aligned([HEADER, *rows(report.judgement)], ruled=True)

    def words(self, report: Report) -> str:
        cost = total_queries(report.judgement)
        return f"Asked: {cost}" if cost else ""

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement
        return {
            "attacks": {name: grade.as_json() for name, grade in found.grades.items()},
            "queries": found.queries,
            "not_judged": list(found.unjudged),
        }

    def values(self, report: Report) -> Mapping[str, Any]:
        lines = zip(report.judgement.ranked, rows(report.judgement), strict=True)
        return {
            "lines": list(lines),
            "cost": total_queries(report.judgement),
            "stacked": stacked,
            "mark": WEAKENED,
        }


def rows(judgement: Judgement) -> list[tuple[str, ...]]:
    """A row of strings per attack, strongest first, as in `HEADER`; rates in percent."""
    lines: list[tuple[str, ...]] = []
    for name, grade in judgement.ranked:
        rates = [interval(grade.tpr_at_fpr[cap], percent=True) for cap in CAPS]
        asr = interval(grade.asr, percent=True)
        shown = f"{name} {WEAKENED}" if name in judgement.weakened else name
        lines.append((shown, _queries(grade), interval(grade.auroc), asr, *rates))
    return lines


def _queries(grade: Grade) -> str:
    """ "15", or "10 + 1∇" with backward passes."""
    if grade.queries is None:
        return "–"
    return f"{grade.queries} + {grade.backward}∇" if grade.backward else str(grade.queries)


def total_queries(judgement: Judgement) -> str:
    """What the audit asked in all, table by table; empty for tables that do not tell."""
    costs = judgement.costs
    if not costs:
        return ""
    parts = [f"{name} {cost.records} records × {cost.per_record}" for name, cost in costs.items()]
    total = sum(cost.total for cost in costs.values())
    alone = sum(cost.records * cost.per_record_one_by_one for cost in costs.values())
    backward = sum(cost.backward_total for cost in costs.values())
    gradients = f" and {backward:,} backward passes" if backward else ""
    return (
        f"{total:,} queries{gradients} ({', '.join(parts)}); one by one the attacks would make "
        f"{alone:,}."
    )
