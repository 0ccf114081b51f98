"""What no audit of this kind can show."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.listed import listed
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
        shared, sampled = report.judgement.shared_captions, report.judgement.target.about.sampled
        found: dict[str, Any] = {} if sampled is None else {"sampled": sampled}
        if shared is not None:
            weakened = list(report.judgement.weakened)
            found["shared_captions"] = {**shared, "weakened": weakened}
        return found

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"of_the_data": of_the_data(report.judgement)}


def of_the_data(judgement: Judgement) -> list[str]:
    """What these records in particular cannot show, a line each."""
    return [line for line in (shared_words(judgement), sample_words(judgement)) if line]


def sample_words(judgement: Judgement) -> str:
    """What a sample of the data leaves unseen; empty where all were looked at."""
    about = judgement.target.about
    if about.sampled is None:
        return ""
    counts = [f"{n['drawn']:,} of {n['of']:,} of data.{key}" for key, n in about.sampled.items()]
    said = f"Of the records a sample was looked at: {listed(counts)}."
    if about.training is None:
        said += (
            " Hold-outs were not compared with the others: if the model was trained on these too, "
            "a hold-out whose image or caption is among them is a member in truth, and figures may "
            "be too low."
        )
    data = (about.config or {}).get("data", {})
    if judgement.answer is not None and not (data.get("suspects") or data.get("suspects_path")):
        said += " Suspects that were not drawn got no answer."
    return said


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
