"""How the figures of the page are to be read."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.attacks import WEAKENED, total_queries


class Reading(Section):
    """What each figure means, folded."""

    template: ClassVar[str] = '{% include "reading.html.j2" %}'

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"cost": total_queries(report.judgement), "mark": WEAKENED}
