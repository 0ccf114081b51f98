"""The suspects: was the model trained on the collection, on how much of it, and on which records?

Each of the three with its uncertainty, in words that claim no more than the tests do.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections.controls import warning
from lit_clid.judging.suspects.answer import Answer

SHOWN = 20
"""Most suspects in the table of the page; suspects.csv has them all."""
CONDITION = "All of it holds if suspects and hold-outs differ in nothing but training."
SHOWS, STRONGLY = 0.05, 0.001
"""p of the set at which the words say that something is shown, and that it is shown clearly."""


class SuspectsInWords(Section):
    """Set, share and list, where there are suspects."""

    template: ClassVar[str] = """
{% if answer %}
<h2>Records whose membership nobody knew</h2>
{% if not judgement.claim %}
<div class="card verdict">{{ said }}</div>
{% endif %}
<div class="card">
<table>
<tr><th>question</th><th>answer</th><th>how</th></tr>
{% for question, value, how in lines %}
<tr><td>{{ question }}</td><td>{{ value }}</td>
<td class="soft" style="white-space: normal">{{ how }}</td></tr>
{% endfor %}
</table>
</div>
<div class="card">
<table>
<tr><th>suspect</th><th>score</th><th>p</th><th>named at a false-discovery rate of</th></tr>
{% for id, score, p, q, named in rows %}
<tr{% if named %} class="headline"{% endif %}><td>{{ id }}</td>
<td>{{ "%.3f" | format(score) }}</td><td>{{ "%.2g" | format(p) }}</td>
<td>{{ "%.2g" | format(q) }}</td></tr>
{% endfor %}
</table>
</div>
<p class="soft">{% if answer.ids | length > rows | length %}The {{ rows | length }} of
{{ answer.ids | length }} suspects with the smallest p; all are in suspects.csv. {% endif %}
p is conformal: the share of hold-outs, this record counted with them, that score as high; with
{{ answer.holdouts }} hold-outs it cannot be smaller than
{{ "%.2g" | format(answer.listing.smallest_p) }}. Highlighted: named at a false-discovery rate of
{{ "%g" | format(answer.listing.rate) }} (Benjamini and Hochberg);
{% if answer.listing.fewest > answer.ids | length %}with so few hold-outs nobody can be named.
{% else %}at least {{ answer.listing.fewest }} are named at once, or nobody.{% endif %}
Each question has an error of its own. All of it holds if suspects and hold-outs differ in nothing
but training: same source, same time, same captions; records that belong together, such as crops or
a series, are not independent.</p>
{% endif %}
"""

    def words(self, report: Report) -> str:
        return "" if report.judgement.claim else _said(report.judgement)

    def as_json(self, report: Report) -> dict[str, Any]:
        answer = report.judgement.answer
        return {} if answer is None else {"suspects": answer.as_json()}

    def tables(self, report: Report) -> dict[str, str]:
        answer = report.judgement.answer
        return {"suspects": "" if answer is None else to_csv(answer)}

    def values(self, report: Report) -> Mapping[str, Any]:
        answer = report.judgement.answer
        if answer is None:
            return {"answer": None}
        return {
            "answer": answer,
            "said": _said(report.judgement),
            "lines": lines(answer),
            "rows": answer.rows[:SHOWN],
        }


def _said(judgement: Judgement) -> str:
    """The same words with what a control says against them."""
    if judgement.answer is None:
        return ""
    return f"{warning(judgement, 'suspects')} {in_words(judgement.answer)}".strip()


def in_words(answer: Answer) -> str:
    """What is known of the suspects, in a few sentences."""
    suspects = f"{len(answer.ids)} suspects"
    than = f"than {answer.holdouts} hold-outs (p = {_p(answer.whole.p)}, {answer.title})"
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
    return f"{said}{_share(answer)} {_names(answer)} {CONDITION}"


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
    return (
        f"{len(listing.named)} of them are named, by a procedure of whose names at most "
        f"{100 * listing.rate:g} % are wrong on average over many audits."
    )


def lines(answer: Answer) -> list[tuple[str, str, str]]:
    """(question, answer, how it was found) of everything that was tested."""
    whole, sequential, between = answer.whole, answer.sequential, answer.share.between
    found = [
        (
            "Is the set in the training data?",
            f"p = {_p(whole.p)}{_effect(whole.effect)}",
            f"{whole.permutations:,} permutations of the mean of {whole.statistic}; Welch's test, "
            f"for comparison: {'–' if whole.welch is None else f'p = {_p(whole.welch)}'}",
        )
    ]
    if answer.reference is not None:
        reference = answer.reference
        how = "difference in differences: the same test of the signals minus the reference's"
        found.append(("… more than in the reference's?", f"p = {_p(reference.p)}", how))
    if answer.combined is not None:
        together = answer.combined
        how = (
            f"cross-fitted discriminant of {together.signals} attacks, "
            f"{together.permutations} permutations that repeat the fit"
        )
        value = f"p = {_p(together.p)}, AUROC {together.auroc:.3f}"
        found.append(("… by all attacks together?", value, how))
    value = "all did not suffice" if sequential.stopped is None else f"{sequential.stopped}"
    how = f"in random order, looked at after each, error {sequential.level:g} (e-process)"
    found.append(("How many suspects would have sufficed?", value, how))
    if whole.needed is not None:
        how = "power 0.9 at α = 0.01, if the difference seen is real"
        found.append(("How many such suspects does the fixed test need?", f"{whole.needed:,}", how))
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


def _p(value: float) -> str:
    return f"{value:.1g}" if value < 0.001 else f"{value:.3f}"


def to_csv(answer: Answer) -> str:
    """Every suspect with its score, p, q and whether it is named, smallest p first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "score", "p", "q", "named"])
    for name, score, p, q, named in answer.rows:
        writer.writerow([name, repr(score), repr(p), repr(q), int(named)])
    return out.getvalue()
