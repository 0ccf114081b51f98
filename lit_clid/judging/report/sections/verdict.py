"""The verdict: what a reader who knows no ROC can act on.

It speaks of the headline attack alone. AUROC is the chance to name the member of a pair, one member
and one hold-out; the sentence depends on where its 95 % interval lies to one half. An attack that
was chosen by the graded labels is judged by the permutation of the maximum over attacks instead.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.evidence import TAIL, Evidence, Unresolved
from lit_clid.judging.judge import Judgement
from lit_clid.judging.maximum import Maximum
from lit_clid.judging.report.drawings import dots
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.controls import warning
from lit_clid.judging.report.sections.outcome import (
    lower_bound,
    outcome,
    points,
    sentences,
    strength,
)
from lit_clid.judging.report.sections.suspects import in_words
from lit_clid.judging.report.tiles import Hundred, hundred, tiles
from lit_clid.judging.trials import called_in_words


class VerdictInWords(Section):
    """Two or three sentences, and what private training spent."""

    template: ClassVar[str] = '{% include "verdict.html.j2" %}'

    def words(self, report: Report) -> str:
        return verdict(report.judgement)

    def markdown(self, report: Report) -> str:
        found = outcome(report.judgement)
        said = sentences(found, verdict(report.judgement))
        lines = [f"**{found.word}.** {literal(said)}", ""]
        for tile in tiles(report.judgement):
            spread = f" {literal(tile.spread)}" if tile.spread else ""
            lines.append(f"- {tile.name}: **{literal(tile.value)}**{spread}, {literal(tile.words)}")
        return "\n".join(lines)

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement
        return {
            "verdict": verdict(found),
            "headline": found.headline,
            "headline_chosen": found.chosen,
            "selection": found.selection and found.selection.as_json(),
            "smallest_auroc_shown": found.smallest,
            "epsilon": found.epsilon and found.epsilon.as_json(),
            "records": found.counts,
            "shadow_records": None if found.shadow is None else len(found.shadow.ids),
        }

    def values(self, report: Report) -> Mapping[str, Any]:
        found = report.judgement
        shown, came_to = hundred(found), outcome(found)
        return {
            "verdict": sentences(came_to, verdict(found)),
            "privacy": found.privacy,
            "outcome": came_to,
            "tiles": tiles(found),
            "hundred": shown,
            "dots": None if shown is None else _dots(shown, found.kind),
        }


def _dots(shown: Hundred, kind: str) -> list[tuple[str, str]]:
    """(words, drawing) of members or suspects, and of hold-outs."""
    inside = f"of 100 {kind}, {shown.recognised} are recognised"
    if kind == "suspects":
        inside = f"of 100 suspects, {shown.recognised} score above that threshold"
    outside = f"of 100 hold-outs, at most {shown.accused} accused"
    return [
        (inside, dots(shown.recognised, "inside", inside)),
        (outside, dots(shown.accused, "outside", outside)),
    ]


def verdict(judgement: Judgement) -> str:
    """What was found, and what was fitted on what; first of all whether a control fired."""
    said = [warning(judgement, judgement.kind), _found(judgement), calibration(judgement)]
    return " ".join(sentence for sentence in said if sentence)


def _found(judgement: Judgement) -> str:
    if judgement.claim and judgement.answer is not None:
        return in_words(judgement.answer)
    pointing = points(judgement)
    if pointing == "found":
        return _remembers(judgement)
    return _wrong_way(judgement) if pointing == "wrong" else _undecided(judgement)


def _remembers(judgement: Judgement) -> str:
    best, selection = judgement.grades[judgement.headline], judgement.selection
    called = called_in_words(judgement.headline, best.title)
    if selection is None:
        low, high = best.auroc.low, best.auroc.high
        sureness = f"95 % interval {100 * low:.0f}–{100 * high:.0f} %"
    else:
        sureness = _against_chance(selection)
    return (
        f"The model {strength(lower_bound(judgement))} remembers the member records: given one of "
        f"{judgement.members} members and one of {judgement.holdouts} hold-outs, {called} "
        f"({_chosen(judgement)}) names the member {100 * best.auroc.value:.0f} % of the time "
        f"({sureness}). {_surely(best.tpr_at_fpr['0.01'], judgement)}"
    )


def _wrong_way(judgement: Judgement) -> str:
    best = judgement.grades[judgement.headline]
    called = called_in_words(judgement.headline, best.title)
    return (
        f"The scores point the wrong way: {called} has an AUROC interval of "
        f"{best.auroc.low:.2f}–{best.auroc.high:.2f}, below 0.5. Larger must mean more "
        "member-like; if the column holds losses, change its sign. If it does not, members and "
        "hold-outs differ in something else than training."
    )


def _undecided(judgement: Judgement) -> str:
    best, selection = judgement.grades[judgement.headline], judgement.selection
    called = called_in_words(judgement.headline, best.title)
    if selection is None:
        figure = f"interval of {best.auroc.low:.2f}–{best.auroc.high:.2f}, which contains 0.5"
    else:
        figure = f"of {best.auroc.value:.2f} ({_against_chance(selection)})"
    return (
        f"The audit does not tell the {judgement.members} members from the {judgement.holdouts} "
        f"hold-outs: {called} ({_chosen(judgement)}) has an AUROC "
        f"{figure}. That is absence of evidence, not proof that the records were not used."
        f"{_smallest(judgement)}"
        f"{_others(judgement)}"
    )


def _smallest(judgement: Judgement) -> str:
    """What so many records could have shown."""
    if judgement.smallest is None:
        return " So few records could hardly have shown anything."
    return (
        f" So many records show an AUROC of {judgement.smallest:.2f} or more nine times in ten; a "
        "weaker memory may be there."
    )


def _chosen(judgement: Judgement) -> str:
    """How the headline attack was chosen."""
    if judgement.selection is None:
        return "named beforehand" if judgement.chosen == "named" else "the strongest on the shadow"
    attacks = judgement.selection.attacks
    return "the only attack" if attacks == 1 else f"the strongest here of {attacks} attacks"


def _against_chance(selection: Maximum) -> str:
    """The permutation test in words."""
    return (
        f"p = {selection.p:.2g} with that choice counted in: labels permuted at random reach "
        f"an AUROC of {selection.critical:.3f} in one case of {1 / TAIL:.0f}"
    )


def _surely(sure: Evidence, judgement: Judgement) -> str:
    """The TPR at 1 % FPR in words, with its interval if the attack was not chosen by it."""
    holdouts = judgement.holdouts
    if isinstance(sure, Unresolved):
        return (
            f"{holdouts} hold-outs are too few to say how many members it recognises at one false "
            "alarm in a hundred."
        )
    spread = f"({100 * sure.low:.0f}–{100 * sure.high:.0f} %)"
    if judgement.selection is not None and judgement.selection.attacks > 1:
        spread = "(the choice of the attack flatters this figure)"
    return (
        "If one hold-out in a hundred may be accused wrongly, it recognises "
        f"{100 * sure.value:.0f} % of the members {spread}."
    )


def _others(judgement: Judgement) -> str:
    """Attacks that the verdict does not speak of but whose interval lies above 0.5."""
    grades = judgement.grades
    above = [name for name, each in grades.items() if each.auroc.low > 0.5]
    if not above:
        return ""
    return (
        f" The interval of {', '.join(above)} lies above 0.5; among {len(grades)} attacks, chance "
        "alone can do that."
    )


def calibration(judgement: Judgement) -> str:
    """What was fitted on what, in one or two sentences."""
    if judgement.shadow is not None:
        return (
            f"Rules and thresholds were fitted on the shadow model's {len(judgement.shadow.ids)} "
            "records only."
        )
    rules = {grade.verdict.rule for grade in judgement.grades.values()}
    scaled = any("audited records" in rule for rule in rules)
    said = "There is no shadow model, so that no threshold can be set and there is no ASR."
    if scaled:
        said += (
            " Attacks of several signals use the scales of the audited records (no labels), and "
            "CLiD_th alpha = 0.9."
        )
    if judgement.unjudged:
        names = ", ".join(judgement.unjudged)
        said += f" Not judged, because they are fitted on a shadow: {names}."
    return said
