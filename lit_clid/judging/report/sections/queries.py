"""What an attack tells against what it costs."""

from typing import ClassVar

from lit_clid.judging import plots
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section


class Queries(Section):
    """AUROC against queries of the attacks without gradients, where their costs differ."""

    template: ClassVar[str] = '{% include "queries.html.j2" %}'

    def figures(self, report: Report) -> dict[str, str]:
        costs = differing(report.judgement)
        return {"queries": plots.svg(plots.queries_canvas(costs)) if costs else ""}


def differing(judgement: Judgement) -> dict[str, tuple[int, Estimate]]:
    """Queries per record and AUROC by attack; nothing where all cost the same."""
    costs: dict[str, tuple[int, Estimate]] = {}
    for name, grade in judgement.ranked:
        if grade.queries and not grade.backward:
            costs[name] = grade.queries, grade.auroc
    different = {queries for queries, _ in costs.values()}
    return costs if len(different) > 1 else {}
