"""Figures under which papers publish their attacks, for comparison only."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.notation import interval
from lit_clid.judging.pages import stacked
from lit_clid.judging.report.section import Report, Section


class Published(Section):
    """TNR at a capped FNR, the oracle's ASR, and differences to the headline attack."""

    template: ClassVar[str] = """
{% if not judgement.claim %}
<h2>For comparison with published tables only</h2>
<div class="card">
<table>
<tr><th>attack</th><th>TNR at<br>10 % FNR, %</th><th>TNR at<br>1 % FNR, %</th>
<th>TNR at<br>0.1 % FNR, %</th><th>oracle<br>ASR, %</th>
<th>AUROC of the<br>highlighted minus this</th></tr>
{% for name, line in lines.items() %}
<tr{% if name == judgement.headline %} class="headline"{% endif %}><td>{{ name }}</td>
{% for words in line %}
<td>{{ stacked(words) }}</td>
{% endfor %}
</tr>
{% endfor %}
</table>
</div>
<p class="soft">Several papers print the TNR at a capped FNR under the name “TPR@FPR”. The oracle
ASR chooses its threshold on the graded records themselves and is therefore optimistic. Differences
are paired: both attacks on the same resampled records.
{% if judgement.selection %}
The highlighted attack was chosen by these labels, which flatters its differences.
{% endif %}
</p>
{% endif %}
"""

    def values(self, report: Report) -> Mapping[str, Any]:
        lines = {name: _line(grade) for name, grade in report.judgement.ranked}
        return {"lines": lines, "stacked": stacked}


def _line(grade: Grade) -> list[str]:
    rates = [interval(grade.tnr_at_fnr[cap], percent=True) for cap in CAPS]
    return [*rates, interval(grade.oracle_asr, percent=True), interval(grade.versus_headline)]
