"""What the scores look like: their ROC curves, and their histograms."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging import plots
from lit_clid.judging.grades import Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section

CURVES = 12
"""Most attacks whose curves are drawn."""


class Roc(Section):
    """ROC curves of the strongest attacks."""

    template: ClassVar[str] = """
<h2>ROC</h2>
{% if judgement.ranked | length > curves %}
<p class="soft">The {{ curves }} strongest of {{ judgement.ranked | length }} attacks.</p>
{% endif %}
<div class="card">{{ figures.roc }}</div>
"""

    def figures(self, report: Report) -> dict[str, str]:
        scores = {name: grade.verdict.score for name, grade in _shown(report.judgement).items()}
        found = report.judgement
        return {"roc": plots.roc_figure(scores, found.target.member, found.kind)}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"curves": CURVES}


class Histograms(Section):
    """Histograms of the strongest attacks' scores."""

    template: ClassVar[str] = """
<h2>Scores of {{ judgement.kind }} and hold-outs</h2>
<div class="card">{{ figures.histograms }}</div>
"""

    def figures(self, report: Report) -> dict[str, str]:
        shown = _shown(report.judgement)
        scores = {name: grade.verdict.score for name, grade in shown.items()}
        thresholds = {name: grade.verdict.threshold for name, grade in shown.items()}
        member = report.judgement.target.member
        kind = report.judgement.kind
        return {"histograms": plots.histogram_figure(scores, thresholds, member, kind)}


def _shown(judgement: Judgement) -> dict[str, Grade]:
    """The strongest attacks, and the one the verdict speaks of."""
    strongest = dict(judgement.ranked[:CURVES])
    return strongest | {judgement.headline: judgement.grades[judgement.headline]}
