"""The opening of the report: the question, and what is known of model, data and date."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.listed import listed
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import VERSION, Report, Section

NAMES = {"members": "members", "suspects": "suspects", "nonmembers": "hold-outs"}
PLACES = {
    "": ("source", "path", "config"),
    "hold-outs of ": ("nonmember_source", "nonmember_path"),
    "suspects of ": ("suspects", "suspects_path"),
}
"""Whose records come from where → the keys of `data` that say it."""
HASH = 12
"""Signs of a fingerprint that are shown."""


class Opening(Section):
    """The report's name, its question, and whose records it speaks of."""

    template: ClassVar[str] = '{% include "opening.html.j2" %}'

    def markdown(self, report: Report) -> str:
        facts = [f"{name}: {literal(words)}" for name, words in known(report.judgement).items()]
        asked = question(report.judgement)
        return f"# Membership audit: {literal(report.title)}\n\n*{asked}*\n\n{' · '.join(facts)}"

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"version": VERSION, "name": report.title}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"question": question(report.judgement), "known": known(report.judgement)}


def question(judgement: Judgement) -> str:
    """What the audit answers."""
    if judgement.claim:
        return "Was this model trained on these suspects?"
    return "Does this model remember the records it was trained on?"


def known(judgement: Judgement) -> dict[str, str]:
    """Model, data, records and date by name, as far as the tables tell."""
    about = judgement.target.about
    found: dict[str, str] = {}
    if about.model:
        found["model"] = about.model
    if about.claims is not None and about.claims.model:
        found["fingerprint"] = about.claims.model[:HASH]
    found["data"] = _data(judgement)
    found["records"] = _records(judgement)
    if about.made is not None and about.made.created:
        found["audited"] = about.made.created[:10]
    return found


def _data(judgement: Judgement) -> str:
    """Where the records come from, or at least the table's name."""
    about = judgement.target.about
    data = (about.config or {}).get("data")
    if not isinstance(data, dict) or not data.get("source"):
        return f"table {about.table or Path(judgement.target.where).name}"
    told, sampled = list[str](), about.sampled or {}
    for kind, names in PLACES.items():
        place = " ".join(str(data[name]) for name in names if data.get(name))
        counts = sampled.get(names[0])
        some = "" if counts is None else f" ({counts['drawn']:,} of {counts['of']:,} records)"
        told += [f"{kind}{place}{some}"] if place else []
    return "; ".join(told)


def _records(judgement: Judgement) -> str:
    counts = judgement.counts
    words = [f"{counts[kind]:,} {NAMES[kind]}" for kind in NAMES if kind in counts]
    asked = listed(words)
    if judgement.shadow is None:
        return f"{asked}; no shadow model"
    return f"{asked}; a shadow model with {len(judgement.shadow.ids):,}"
