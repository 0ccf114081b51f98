"""Controls: what was found without the model."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.controls import Blind
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section


class Controls(Section):
    """The blind baseline, as a light that is green or red."""

    template: ClassVar[str] = """
{% if judgement.blind %}
<h2>Controls</h2>
<div class="card">
<table>
<tr><th></th><th>control</th><th>AUROC</th><th>p</th><th>the feature that alone tells most</th></tr>
{% for each in judgement.blind %}
<tr><td><span role="img" aria-label="{{ "fires" if each.fires else "quiet" }}"
style="color: {{ "#b91c1c" if each.fires else "#15803d" }}">●</span></td>
<td>{{ each.kind }} against hold-outs, by captions and images alone</td>
<td>{{ "%.3f" | format(each.auroc) }}</td><td>{{ "%.3f" | format(each.p) }}</td>
<td>{{ each.strongest[0] }} ({{ "%.3f" | format(each.strongest[1]) }})</td></tr>
{% endfor %}
</table>
</div>
<p class="soft">A cross-fitted discriminant on features of captions (length, signs, words) and
images (size; compressed size, colours and frequencies of a small copy) that no model has seen,
tested by permutations that repeat its fit. Red: the two kinds differ in something else than
training. Green: nothing of this kind shows among so many records; what a small copy does not keep,
such as the traces of a camera or of compression, is not looked at.</p>
{% endif %}
"""

    def words(self, report: Report) -> str:
        quiet = [each for each in report.judgement.blind if not each.fires]
        said = [
            f"Control: without the model, captions and small copies of the images do not show a "
            f"difference between {each.kind} and hold-outs (AUROC {each.auroc:.2f}, p = "
            f"{each.p:.2f})."
            for each in quiet
        ]
        return " ".join(said)

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement.blind
        return {"controls": {"blind": [each.as_json() for each in found]}} if found else {}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {}


def warning(judgement: Judgement, kind: str) -> str:
    """What stands before what is said of members or suspects where a control does not bear it out;
    empty if none fires.
    """
    return " ".join(_warned(each) for each in judgement.fired if each.kind == kind)


def _warned(blind: Blind) -> str:
    name, value = blind.strongest
    return (
        f"NOT CONCLUSIVE: without the model, captions and images alone tell {blind.kind} from "
        f"hold-outs (AUROC {blind.auroc:.2f}, p = {blind.p:.2g}; {name} alone {value:.2f}). They "
        "come from different sources, and the attacks may have found that instead of training. "
        "Taken at face value:"
    )
