"""What no audit of this kind can show."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.attacks import WEAKENED

BRIEFLY = (
    "Evidence about the set of records, weaker about any one of them; it presumes that members and "
    "hold-outs come from one distribution.",
    "Intervals cover the choice of records, not another training run; what is not shown is not "
    "disproved.",
)
"""The limits in two lines."""


class Limits(Section):
    """What the reader must not conclude."""

    template: ClassVar[str] = '{% include "limits.html.j2" %}'

    def words(self, report: Report) -> str:
        return "\n".join(of_the_data(report.judgement))

    def markdown(self, report: Report) -> str:
        return "\n".join(f"- {line}" for line in (*BRIEFLY, *of_the_data(report.judgement)))

    def as_json(self, report: Report) -> dict[str, Any]:
        shared = report.judgement.shared_captions
        if shared is None:
            return {}
        weakened = list(report.judgement.weakened)
        return {"shared_captions": {**shared, "weakened": weakened}}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"of_the_data": of_the_data(report.judgement)}


def of_the_data(judgement: Judgement) -> list[str]:
    """What these records in particular cannot show, a line each."""
    return [line for line in (shared_words(judgement), sample_words(judgement)) if line]


def sample_words(judgement: Judgement) -> str:
    """What a sample of the data leaves unseen; empty where all were looked at."""
    data = (judgement.target.about.config or {}).get("data")
    count = data.get("sample") if isinstance(data, dict) else None
    if not isinstance(count, int):
        return ""
    return (
        f"Of each source at most {count:,} records were looked at, drawn by their names: copies of "
        "hold-outs among the others were not looked for."
    )


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
