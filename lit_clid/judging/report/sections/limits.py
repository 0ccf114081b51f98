"""What no audit of this kind can show."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.attacks import WEAKENED


class Limits(Section):
    """What the reader must not conclude."""

    template: ClassVar[str] = """
<h2>What this audit does not prove</h2>
<ul>
<li>A high score is evidence about the set of records, and weaker evidence about any one of them:
read the TPR at a low FPR, not the AUROC, before accusing.</li>
<li>{{ judgement.kind | capitalize }} and hold-outs must come from one distribution. If they differ
in any other way (source, date, style), the attacks may detect that instead of training.</li>
<li>Near-duplicates of a record in the training set look like the record itself.</li>
<li>An interval that contains 0.5 does not show that the records were not used, only that these
attacks cannot tell.</li>
<li>Intervals cover the choice of records. They do not cover another training run of the same
recipe, nor another shadow.</li>
{% if shared %}
<li>{{ shared }}</li>
{% endif %}
</ul>
"""

    def words(self, report: Report) -> str:
        return shared_words(report.judgement)

    def as_json(self, report: Report) -> dict[str, Any]:
        shared = report.judgement.shared_captions
        if shared is None:
            return {}
        weakened = list(report.judgement.weakened)
        return {"shared_captions": {**shared, "weakened": weakened}}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"shared": shared_words(report.judgement)}


def shared_words(judgement: Judgement) -> str:
    """What captions that members and hold-outs share do to the attacks; empty without any."""
    shared = judgement.shared_captions
    if shared is None:
        return ""
    captions = shared["captions"]
    words = "one caption" if captions == 1 else f"{captions} captions"
    said = f"{shared['records']} records share {words}, members and hold-outs alike."
    if not judgement.weakened:
        return said
    return (
        f"{said} Attacks marked {WEAKENED} live on the caption and are weak here: it singles out "
        "no record, so that a low figure of theirs says little."
    )
