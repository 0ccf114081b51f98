"""The suspects: was the model trained on the collection, on how much of it, and on which records?

Each of the three with its uncertainty, in words that claim no more than the tests do.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.errors import few
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import inline
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.controls import warning
from lit_clid.judging.report.sections.outcome import SHOWS, STRONGLY
from lit_clid.judging.report.tiles import answer_tiles, written_p
from lit_clid.judging.suspects.answer import Answer
from lit_clid.judging.suspects.together import SIZES

SHOWN, OPEN = 20, 8
"""Most suspects in the table of the page, and before it is opened; suspects.csv has them all."""
GROUPS = 50
"""Most groups in the table of the page; groups.csv has them all."""
CONDITION = "All of it holds if suspects and hold-outs differ in nothing but training."


class SuspectsInWords(Section):
    """Set, share and list, where there are suspects."""

    template: ClassVar[str] = '{% include "suspects.html.j2" %}'

    def words(self, report: Report) -> str:
        return "" if report.judgement.claim else _said(report.judgement)

    def markdown(self, report: Report) -> str:
        return "" if report.judgement.claim else literal(_said(report.judgement))

    def as_json(self, report: Report) -> dict[str, Any]:
        answer = report.judgement.answer
        return {} if answer is None else {"suspects": answer.as_json()}

    def tables(self, report: Report) -> dict[str, str]:
        answer = report.judgement.answer
        return {
            "suspects": "" if answer is None else to_csv(answer),
            "groups": "" if answer is None or not answer.groups else groups_csv(answer),
        }

    def values(self, report: Report) -> Mapping[str, Any]:
        answer = report.judgement.answer
        if answer is None:
            return {"answer": None}
        return {
            "answer": answer,
            "said": _said(report.judgement),
            "lines": lines(answer),
            "rows": answer.rows[:OPEN],
            "further": answer.rows[OPEN:SHOWN],
            "tiles": answer_tiles(answer),
            "groups": answer.groups[:GROUPS],
            "shows": SHOWS,
        }


def _said(judgement: Judgement) -> str:
    """The same words with what a control says against them."""
    if judgement.answer is None:
        return ""
    return f"{warning(judgement, 'suspects')} {in_words(judgement.answer)}".strip()


def in_words(answer: Answer) -> str:
    """What is known of the suspects, in a few sentences."""
    suspects = f"{len(answer.ids)} suspects"
    than = f"than {answer.holdouts} hold-outs (p = {written_p(answer.whole.p)}, {answer.title})"
    if answer.whole.p > SHOWS:
        said = (
            f"The audit does not show that the model was trained on the {suspects} as a set: they "
            f"do not score reliably higher {than}. That is absence of evidence, not proof that "
            f"they were not used. {_more_needed(answer)}"
        )
    else:
        surely = "clearly shows" if answer.whole.p <= STRONGLY else "suggests"
        said = (
            f"The audit {surely} that the model was trained on some of the {suspects}: they score "
            f"higher {than}. "
        )
    return f"{said}{_share(answer)} {_names(answer)}{_groups(answer)}{_looked(answer)} {CONDITION}"


def _more_needed(answer: Answer) -> str:
    needed = answer.whole.needed
    if not needed:
        return ""
    return (
        f"If the difference seen were real and stayed as large, about {needed:,} such suspects "
        "would show it. "
    )


def _share(answer: Answer) -> str:
    percent = int(100 * answer.share.low)
    if percent < 1:
        return "How many of them were used is not shown: the lower bound of the share is below 1 %."
    return f"At least {percent} % of them were used (95 % lower bound)."


def _names(answer: Answer) -> str:
    listing = answer.listing
    if not listing.named:
        return f"No single record can be named at a false-discovery rate of {listing.rate:g}."
    stage = answer.cascade
    again = f" (in a second stage, by {stage.title})" if stage else ""
    return (
        f"{len(listing.named)} of them are named{again}, by a procedure of whose names at most "
        f"{100 * listing.rate:g} % are wrong on average over many audits."
    )


def _groups(answer: Answer) -> str:
    """How many groups the model was trained on, corrected for their number."""
    tested = [each for each in answer.groups if each.adjusted is not None]
    if not answer.groups:
        return ""
    shown = [inline(each.name) for each in tested if (each.adjusted or 1.0) <= SHOWS]
    count = f" Of {len(tested)} groups tested, each on its own"
    if not shown:
        return f"{count}, none is shown to be in the training data."
    verb = "is" if len(shown) == 1 else "are"
    names = few(shown, 5)
    return f"{count}, {names} {verb} shown to be in the training data (p ≤ {SHOWS}, Holm)."


def _looked(answer: Answer) -> str:
    if answer.looked is None:
        return ""
    return (
        f" A sequential test at an error of {answer.looked:g} was looked at first and did not "
        "stop: that error adds to the p of the set."
    )


def lines(answer: Answer) -> list[tuple[str, str, str]]:
    """(question, answer, how it was found) of everything that was tested."""
    whole, sequential, between = answer.whole, answer.sequential, answer.share.between
    found = [
        (
            "Is the set in the training data?",
            f"p = {written_p(whole.p)}{_effect(whole.effect)}",
            f"{whole.permutations:,} permutations of the mean of {whole.statistic}; Welch's test, "
            f"for comparison: {'–' if whole.welch is None else f'p = {written_p(whole.welch)}'}",
        )
    ]
    if answer.reference is not None:
        reference = answer.reference
        how = "difference in differences: the same test of the signals minus the reference's"
        found.append(("… more than in the reference's?", f"p = {written_p(reference.p)}", how))
    if answer.combined is not None:
        together = answer.combined
        how = (
            f"cross-fitted discriminant of {together.signals} attacks, "
            f"{together.permutations} permutations that repeat the fit"
        )
        value = f"p = {written_p(together.p)}, AUROC {together.auroc:.3f}"
        found.append(("… by all attacks together?", value, how))
    value = "all did not suffice" if sequential.stopped is None else f"{sequential.stopped}"
    how = f"in random order, looked at after each, error {sequential.level:g} (e-process)"
    found.append(("How many suspects would have sufficed?", value, how))
    if whole.needed is not None:
        how = "power 0.9 at α = 0.01, if the difference seen is real"
        found.append(("How many such suspects does the fixed test need?", f"{whole.needed:,}", how))
    if whole.powers:
        told = [f"{m}: {100 * p:.0f} %" for m, p in zip(SIZES, whole.powers, strict=True)]
        how = "at α = 0.01, if the difference seen is real"
        found.append(("What power have so many suspects?", ", ".join(told[:6]), how))
    stage = answer.cascade
    if stage is not None:
        how = f"{stage.title}, the records highest by {answer.title}; the list is by its scores"
        found.append(("Who was asked a second time?", f"{stage.asked} of {stage.of} records", how))
    share = f"at least {int(100 * answer.share.low)} %"
    how = "95 % bound at the shadow's threshold"
    if answer.share.how != "threshold":
        how = "95 % bound, simultaneous over all thresholds"
    found.append(("Which share of it?", share, how))
    if isinstance(between, Estimate):
        value = f"{100 * between.value:.0f} % [{100 * between.low:.0f}, {100 * between.high:.0f}]"
        found.append(("… if members score as on the shadow?", value, "95 % interval"))
    return found


def _effect(value: float | None) -> str:
    return "" if value is None else f", effect {value:+.2f} SD"


def groups_csv(answer: Answer) -> str:
    """Every group with its counts and p-values, smallest p first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = ["group", "suspects", "comparable", "p", "p_adjusted", "effect_size", "note"]
    writer.writerow(header)
    for each in answer.groups:
        told = each.as_json()
        writer.writerow(["" if told[key] is None else told[key] for key in header])
    return out.getvalue()


def to_csv(answer: Answer) -> str:
    """Every suspect with its score, p, q and whether it is named, smallest p first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    again = ["second_score"] if answer.cascade else []
    writer.writerow(["id", "score", *again, "p", "q", "named"])
    for name, score, p, q, named in answer.rows:
        second = answer.second.get(name)
        more = ["" if second is None else repr(second)] if answer.cascade else []
        writer.writerow([name, repr(score), *more, repr(p), repr(q), int(named)])
    return out.getvalue()
