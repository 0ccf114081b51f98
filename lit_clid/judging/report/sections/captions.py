"""Captions that a model wrote: whose they are, what that costs, and what needs none."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.about import About
from lit_clid.judging.evidence import independent
from lit_clid.judging.report.listed import listed
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section

PUBLISHED = {
    "attack": "CLiD_th",
    "records": "MS-COCO",
    "captioner": "BLIP",
    "auroc_true_captions": 0.9613,
    "auroc_written_captions": 0.8327,
}
"""What captions of a model's cost (Zhai et al. 2024, real-world training)."""
CAPTION_FREE = ("loss", "monte_carlo", "secmi", "pia", "pian", "sima", "pfami", "pfami_20", "gsa1")
"""Attacks that need no caption, asked with `condition: empty`."""
OVERLAY = "configs/attacks/caption_free.yaml"
"""Asks most of them."""


class Captions(Section):
    """Who wrote the captions, if a model did, and how many images the records show, if fewer."""

    template: ClassVar[str] = (
        "{% if said %}<section><h2>Captions</h2>{% for each in said %}<p>{{ each }}</p>"
        "{% endfor %}</section>{% endif %}"
    )

    def words(self, report: Report) -> str:
        return "\n".join(_said(report))

    def markdown(self, report: Report) -> str:
        return "\n".join(f"- {literal(each)}" for each in _said(report))

    def as_json(self, report: Report) -> dict[str, Any]:
        target = report.judgement.target
        found = captions_json(target.about)
        if target.images:
            members, holdouts = independent(target.member, target.cluster)
            found["images"] = {"members": members, "nonmembers": holdouts}
        return found

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"said": _said(report)}


def _said(report: Report) -> list[str]:
    """What there is to say, a paragraph each."""
    target = report.judgement.target
    said = [captions_words(target.about)]
    if target.images:
        members, holdouts = independent(target.member, target.cluster)
        said.append(
            f"Each record is an image under one of its captions: the {len(target.ids)} records are "
            f"of {members} members' and {holdouts} hold-outs' images. Intervals resample images, "
            "and tests permute these."
        )
    return [each for each in said if each]


def captions_json(about: About) -> dict[str, Any]:
    """The key of report.json; none where the data have the captions."""
    if about.captions_by is None:
        return {}
    told = {
        "written_by": about.captions_by.as_json(),
        "trained_on_these": trained_on_these(about),
        "published": PUBLISHED,
        "asked_without": list(asked_without(about)),
        "caption_free": list(CAPTION_FREE),
    }
    return {"captions": told}


def captions_words(about: About) -> str:
    """The same in sentences; empty where the data have the captions."""
    by = about.captions_by
    if by is None:
        return ""
    said = f"The captions were written by {by}."
    if trained_on_these(about):
        return f"{said} So were those that the model was trained on: attacks lose nothing by it."
    true, written = PUBLISHED["auroc_true_captions"], PUBLISHED["auroc_written_captions"]
    said += (
        " Unless the model was trained on just these, attacks that live on captions lose power: "
        f"{PUBLISHED['attack']} fell from an AUROC of {true:.2f} to {written:.2f} on "
        f"{PUBLISHED['records']} with captions of {PUBLISHED['captioner']} (published), so that a "
        "low figure says little."
    )
    without = asked_without(about)
    if without:
        return f"{said} Asked without captions here: {listed(without)}."
    return (
        f"{said} The alternative is to ask without captions: {listed(CAPTION_FREE)} with "
        f"condition: empty, as in {OVERLAY}."
    )


def trained_on_these(about: About) -> bool:
    """Whether the model's own training had its captions written by the same model."""
    training = about.training
    if training is None or about.captions_by is None:
        return False
    data = (training.config or {}).get("data")
    return isinstance(data, dict) and data.get("captions") == about.captions_by.model


def asked_without(about: About) -> tuple[str, ...]:
    """The attacks that were told no record's caption."""
    claims = about.claims
    if claims is None:
        return ()
    names: list[str] = []
    for name, spec in claims.attacks.items():
        told = [spec.get("condition", "caption"), *(spec.get("others") or ())]
        if "caption" not in told and "condition" in spec:
            names.append(name)
    return tuple(names)
