"""What an attack tells against what it costs."""

from typing import ClassVar

from lit_clid.judging import plots
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.report.section import Report, Section


class Queries(Section):
    """AUROC against queries of the attacks without gradients, where their costs differ."""

    template: ClassVar[str] = '{% include "queries.html.j2" %}'

    def figures(self, report: Report) -> dict[str, str]:
        costs: dict[str, tuple[int, Estimate]] = {}
        for name, grade in report.judgement.ranked:
            if grade.queries and not grade.backward:
                costs[name] = grade.queries, grade.auroc
        different = {queries for queries, _ in costs.values()}
        return {"queries": plots.queries_figure(costs) if len(different) > 1 else ""}
