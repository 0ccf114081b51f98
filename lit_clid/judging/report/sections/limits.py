"""What no audit of this kind can show."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.about import About
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
    about, suspects = judgement.target.about, judgement.answer is not None
    sampled = sample_words(about, suspects=suspects, claim=judgement.claim)
    return [line for line in (shared_words(judgement), sampled) if line]


def sample_words(about: About, *, suspects: bool, claim: bool) -> str:
    """What a sample of the data leaves unseen; empty where all were looked at.

    Args:
        about: the table.
        suspects: whether there are any.
        claim: whether no member is known.
    """
    if about.sampled is None:
        return ""
    counts = [f"{n['drawn']:,} of {n['of']:,} in data.{key}" for key, n in about.sampled.items()]
    said = f"Only a sample of the records was looked at: {listed(counts)}."
    note = about.training
    trained_on_these = note is not None and note.facts.split is not None and not claim
    if "source" in about.sampled and not trained_on_these:
        said += (
            " The others were not compared with the hold-outs: if the model was trained on them, a "
            "hold-out whose image or caption is among them is a member in truth, and figures may "
            "be too low."
        )
    return f"{said} Records that were not drawn got no answer." if suspects else said


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
