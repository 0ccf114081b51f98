"""What the scores look like: ROC curves, and histograms.

The page shows four curves and the headline attack's histogram; roc.svg and histograms.svg have
more attacks.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging import plots
from lit_clid.judging.grades import Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.drawings import Mark, histogram, roc
from lit_clid.judging.report.families import families
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.tiles import hundred

CURVES = 12
"""Most attacks whose curves roc.svg draws."""
ON_PAGE = 4
"""Most curves on the page."""


class Roc(Section):
    """ROC curves of the headline attack and of those that stand for other families."""

    template: ClassVar[str] = '{% include "roc.html.j2" %}'

    def figures(self, report: Report) -> dict[str, str]:
        found = report.judgement
        scores = {name: grade.verdict.score for name, grade in shown_attacks(found).items()}
        return {"roc": plots.svg(plots.roc_canvas(scores, found.target.member, found.kind))}

    def values(self, report: Report) -> Mapping[str, Any]:
        found = report.judgement
        scores = {name: found.grades[name].verdict.score for name in telling(found)}
        drawing = roc(scores, found.target.member, found.kind, found.target.cluster)
        return {"drawing": drawing, "curves": len(scores)}


class Histograms(Section):
    """The histogram of the headline attack's scores."""

    template: ClassVar[str] = '{% include "histogram.html.j2" %}'

    def figures(self, report: Report) -> dict[str, str]:
        return {"histograms": plots.svg(histograms(report.judgement))}

    def values(self, report: Report) -> Mapping[str, Any]:
        found = report.judgement
        score, member = found.grades[found.headline].verdict.score, found.target.member
        return {"drawing": histogram(score, member, marks(found), found.kind)}


def histograms(judgement: Judgement, width: float = 9.6) -> Any:
    """The figure of the scores, a panel per attack, as wide as it says in inches if it has four."""
    shown = shown_attacks(judgement)
    scores = {name: grade.verdict.score for name, grade in shown.items()}
    thresholds = {name: grade.verdict.threshold for name, grade in shown.items()}
    member, kind = judgement.target.member, judgement.kind
    return plots.histogram_canvas(scores, thresholds, member, kind, width)


def telling(judgement: Judgement) -> list[str]:
    """The headline attack and those that stand for other families, as many as are on the page."""
    speakers = [family.speaker for family in families(judgement)]
    ranked = [name for name, _ in judgement.ranked]
    return list(dict.fromkeys([judgement.headline, *speakers, *ranked]))[:ON_PAGE]


def marks(judgement: Judgement) -> list[Mark]:
    """The shadow's threshold, and the one from which few hold-outs are accused."""
    verdict, found = judgement.grades[judgement.headline].verdict, []
    if verdict.threshold is not None:
        found.append(Mark(verdict.threshold, "shadow's threshold"))
    of_hundred = hundred(judgement)
    if of_hundred is not None:
        outside = -verdict.score[~judgement.target.member]
        outside.sort()
        allowed = int(len(outside) * of_hundred.cap / 100 + 1e-9)
        found.append(Mark(-float(outside[allowed]), f"{of_hundred.cap} % FPR"))
    return found


def shown_attacks(judgement: Judgement) -> dict[str, Grade]:
    """The strongest attacks, and the one the verdict speaks of."""
    strongest = dict(judgement.ranked[:CURVES])
    return strongest | {judgement.headline: judgement.grades[judgement.headline]}
