"""The three figures that the page shows large, and what a rate means among a hundred records."""

from dataclasses import dataclass

from lit_clid.judging.evidence import Estimate, Evidence, Unresolved
from lit_clid.judging.grades import CAPS
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.rates import Carried
from lit_clid.judging.suspects.answer import Answer

STRICT, LOOSE = "0.01", "0.1"
"""The cap whose rate is shown, and the one that is shown where that is unresolved."""


@dataclass(frozen=True)
class Tile:
    """A figure, shown large.

    Args:
        name: what it is.
        value: as it is written.
        spread: its interval, or what stands in its place; may be empty.
        words: what it means.
    """

    name: str
    value: str
    spread: str
    words: str


@dataclass(frozen=True)
class Hundred:
    """What the headline attack's rate means.

    Args:
        cap: in percent, of hold-outs that may be accused.
        recognised: of a hundred members or suspects.
        accused: of a hundred hold-outs, at most.
        stricter: the cap that was left for this one; None where it was not.
    """

    cap: int
    recognised: int
    accused: int
    stricter: int | None


def tiles(judgement: Judgement) -> list[Tile]:
    """The figures of the verdict: of the headline attack or, for a claim, of the suspects."""
    if judgement.claim and judgement.answer is not None:
        return answer_tiles(judgement.answer)
    auroc = judgement.grades[judgement.headline].auroc
    words = f"how often {judgement.headline} names the member of a pair; 0.5 is guessing"
    rate, *others = _rates(judgement)
    return [_tile("AUROC", auroc, words), rate, *_third(judgement), *others][:3]


def answer_tiles(answer: Answer) -> list[Tile]:
    """The figures of the three questions about suspects."""
    listing, whole = answer.listing, answer.whole
    named = f"{len(listing.named)} of {len(answer.ids)}"
    most = f"at most {100 * listing.rate:g} % of the names wrong, on average over many audits"
    return [
        Tile("The set", f"p = {written_p(whole.p)}", "", "if the suspects scored like hold-outs"),
        Tile("The share", f"≥ {int(100 * answer.share.low)} %", "95 % lower bound", "were used"),
        Tile("The list", named, f"false-discovery rate {listing.rate:g}", most),
    ]


def written_p(value: float) -> str:
    """A p-value with as many digits as mean something."""
    return f"{value:.1g}" if value < 0.001 else f"{value:.3f}"


def hundred(judgement: Judgement) -> Hundred | None:
    """A hundred of either kind at the strict cap, else at the loose one; None without both."""
    rates = judgement.grades[judgement.headline].tpr_at_fpr
    for name in (STRICT, LOOSE):
        rate, cap = rates[name], round(100 * CAPS[name])
        if isinstance(rate, Estimate):
            stricter = None if name == STRICT else round(100 * CAPS[STRICT])
            return Hundred(cap, round(100 * rate.value), cap, stricter)
    return None


def _rates(judgement: Judgement) -> list[Tile]:
    """TPR at the caps that have one; in place of all, that there is none."""
    found: list[Tile] = []
    for name in (STRICT, LOOSE):
        rate, percent = judgement.grades[judgement.headline].tpr_at_fpr[name], 100 * CAPS[name]
        if isinstance(rate, Estimate):
            words = f"of the members recognised if {percent:g} in 100 hold-outs may be accused"
            words += _carried(judgement.grades[judgement.headline].carried[name])
            found.append(_tile(f"TPR at {percent:g} % FPR", rate, words, percent=True))
    few = f"{judgement.holdouts} hold-outs are too few to show a rate"
    return found or [Tile("TPR at 1 % FPR", "–", "", few)]


def _carried(found: Carried | Unresolved) -> str:
    """What the shadow's own threshold of that rate does here."""
    if isinstance(found, Unresolved):
        return ""
    tpr, fpr = 100 * found.tpr.value, 100 * found.fpr.value
    return f"; the shadow's threshold recognises {tpr:.1f} % and accuses {fpr:.1f} %"


def _third(judgement: Judgement) -> list[Tile]:
    """Accuracy at the shadow's threshold, or p of the maximum over attacks."""
    asr, selection = judgement.grades[judgement.headline].asr, judgement.selection
    if isinstance(asr, Estimate):
        return [_tile("Accuracy", asr, "balanced, at the shadow's threshold", percent=True)]
    if selection is None:
        return []
    many = selection.attacks > 1
    words = f"of the largest of {selection.attacks} AUROCs" if many else "of the AUROC"
    return [Tile("Permutation test", f"p = {written_p(selection.p)}", "", words)]


def _tile(name: str, found: Evidence, words: str, *, percent: bool = False) -> Tile:
    value, _, spread = interval(found, percent=percent).partition(" ")
    return Tile(name, f"{value} %" if percent else value, spread, words)
