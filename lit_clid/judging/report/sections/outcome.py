"""The outcome of a judgement in a word and a line; the verdict's sentences say the rest."""

from dataclasses import dataclass

from lit_clid.judging.evidence import TAIL
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.sections.controls import warning

SHOWS, STRONGLY = 0.05, 0.001
"""p of the set at which the words say that something is shown, and that it is shown clearly."""


@dataclass(frozen=True)
class Outcome:
    """What was found.

    Args:
        word: for all outcomes of this kind.
        line: what it means.
        tone: class of its colour and sign: "found", "open", "unsure" or "wrong".
    """

    word: str
    line: str
    tone: str


def outcome(judgement: Judgement) -> Outcome:
    """The outcome; a control that fires leaves nothing conclusive."""
    if warning(judgement, judgement.kind):
        line = f"{judgement.kind.capitalize()} and hold-outs differ even without the model."
        return Outcome("NOT CONCLUSIVE", line, "unsure")
    if judgement.claim and judgement.answer is not None:
        return _of_suspects(judgement.answer.whole.p)
    pointing = points(judgement)
    if pointing == "found":
        surely = strength(lower_bound(judgement))
        return Outcome("REMEMBERS", f"Members are {surely} told from hold-outs.", "found")
    if pointing == "wrong":
        return Outcome("WRONG WAY", "Hold-outs score higher than members.", "wrong")
    return Outcome("NOT SHOWN", "Members and hold-outs cannot be told apart.", "open")


def sentences(found: Outcome, verdict: str) -> str:
    """The verdict's sentences where they stand below the outcome's word."""
    said = verdict.removeprefix(f"{found.word}: ")
    return said[:1].upper() + said[1:]


def _of_suspects(p: float) -> Outcome:
    if p > SHOWS:
        line = "Training on these suspects is not shown."
        return Outcome("NOT SHOWN", line, "open")
    if p > STRONGLY:
        return Outcome("SUGGESTED", "Training on some of the suspects is suggested.", "unsure")
    return Outcome("SHOWN", "Training on some of the suspects is clearly shown.", "found")


def points(judgement: Judgement) -> str:
    """Where the headline attack's AUROC lies: "found" above one half, "wrong" below, or "open"."""
    auroc, selection = judgement.grades[judgement.headline].auroc, judgement.selection
    if auroc.low > 0.5 if selection is None else selection.p <= TAIL:
        return "found"
    return "wrong" if auroc.high < 0.5 else "open"


def lower_bound(judgement: Judgement) -> float:
    """Of the headline attack's AUROC; it allows for the choice of an attack by the labels."""
    selection = judgement.selection
    return judgement.grades[judgement.headline].auroc.low if selection is None else selection.low


def strength(low: float) -> str:
    """How surely, by the lower bound of the AUROC."""
    if low >= 0.7:
        return "clearly"
    return "detectably" if low >= 0.55 else "faintly"
