"""`card.md`: an audit for the file, under headings that a data-protection impact assessment (GDPR,
Art. 35(7)) and the technical documentation of the AI Act (Annex IV) use.

It says what was measured and on what; which duties follow is for counsel to say.
"""

from collections.abc import Mapping
from typing import Any

from lit_clid.judging.controls.control import FIRES
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.report.listed import listed
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.attacks import total_queries
from lit_clid.judging.report.sections.limits import BRIEFLY, of_the_data
from lit_clid.judging.report.sections.opening import NAMES, known, question
from lit_clid.judging.report.sections.outcome import outcome
from lit_clid.judging.report.sections.verdict import verdict

NOTICE = (
    "Written by a program from measurements. It is no legal assessment: counsel or the "
    "data-protection officer must check it, add purposes, legal bases and measures, and decide "
    "what follows."
)
SHOWN = (
    "An outsider who can query the model tells records that it was trained on from others, at the "
    "rates above. Its weights are to be treated as holding what they were trained on, unless "
    "counsel finds otherwise."
)
MEANS = {
    "REMEMBERS": SHOWN,
    "SHOWN": SHOWN,
    "SUGGESTED": "Training on the suspects is suggested, not shown: more records, or comparable "
    "ones in larger number, would settle it.",
    "NOT SHOWN": "No attack asked here told the records apart. That is evidence of these attacks "
    "on these records and no proof of anonymity: stronger attacks, more queries or other records "
    "may tell more.",
    "NOT CONCLUSIVE": "A control shows that something else than training may explain the result: "
    "mend the comparison before drawing conclusions.",
    "WRONG WAY": "Hold-outs score higher than members, which training does not explain: look at "
    "the data before drawing conclusions.",
}
"""What is left of a risk, by the outcome's word."""


def card_markdown(report: Report) -> str:
    """The card."""
    found = report.judgement
    parts = [
        (f"Membership audit for the file: {literal(report.title)}", [f"> {NOTICE}"]),
        ("1. What was examined (GDPR Art. 35(7)(a); AI Act Annex IV(1))", _examined(found)),
        ("2. Data (GDPR Art. 35(7)(a); AI Act Annex IV(2)(d))", _data(found)),
        ("3. Method of testing (AI Act Annex IV(2)(g))", _method(found)),
        ("4. Result, with 95 % intervals (AI Act Annex IV(2)(g), (4))", _result(found)),
        ("5. Measures in place (GDPR Art. 35(7)(d); AI Act Annex IV(2)(b))", _measures(found)),
        ("6. Residual risk (GDPR Art. 35(7)(c); AI Act Annex IV(5))", _risk(found)),
        ("7. Limits", _limits(found)),
        ("8. How to check it", _checking(found)),
    ]
    (title, notice), *others = parts
    told = [f"# {title}", "\n".join(notice)]
    told += [f"## {heading}\n\n{chr(10).join(lines)}" for heading, lines in others]
    return "\n\n".join(told) + "\n"


def _lines(facts: Mapping[str, Any]) -> list[str]:
    return [f"- {name}: {literal(str(said))}" for name, said in facts.items() if said]


def _examined(found: Judgement) -> list[str]:
    about, training = found.target.about, found.target.about.training
    facts: dict[str, Any] = {"Question": question(found), "Model": about.model}
    if about.claims is not None:
        facts["Fingerprint of its weights"] = about.claims.model
    facts |= {f"SHA-256 of {file}": digest for file, digest in (about.files or {}).items()}
    if training is not None:
        own = training.tuned_from
        facts["Tuned from"] = training.base if own is None else own.named
        facts["Optimiser steps"] = training.steps
        facts["What was tuned"] = _section(training.config, "finetune").get("train")
    facts["Purpose and legal basis of the processing"] = "to be added by the controller"
    return _lines(facts)


def _data(found: Judgement) -> list[str]:
    about = found.target.about
    counts = {f"Number of {NAMES[kind]}": f"{count:,}" for kind, count in found.counts.items()}
    facts: dict[str, Any] = {"Source": known(found)["data"], **counts}
    if found.shadow is not None:
        facts["Records of the shadow model"] = f"{len(found.shadow.ids):,}"
    if about.claims is not None:
        facts["Fingerprint of the split (images, captions, roles)"] = about.claims.split
        facts["Resolution"] = f"{about.claims.resolution} pixels"
    facts["Records left out"] = f"{len(about.skipped):,}"
    facts["Captions"] = about.captions_by and f"written by {about.captions_by}"
    facts["Categories of data subjects"] = "to be added by the controller"
    return _lines(facts)


def _method(found: Judgement) -> list[str]:
    attacks = listed(list(found.grades))
    grade = found.grades[found.headline]
    chosen = {
        "named": "named before its figures were seen",
        "shadow": "the strongest on the shadow model",
        "maximum": "the largest here, tested as that by permutation",
        "default": "the default, named before its figures were seen",
    }[found.chosen]
    lines = [
        f"- Membership inference with access to the model's predictions; {len(found.grades)} "
        f"attacks: {literal(attacks)}",
        f"- The verdict speaks of {literal(found.headline)} ({literal(grade.title)}): {chosen}",
    ]
    cost = total_queries(found)
    return [*lines, f"- Asked: {literal(cost)}"] if cost else lines


def _result(found: Judgement) -> list[str]:
    grade, said = found.grades[found.headline], outcome(found)
    lines = [f"**{said.word}.** {literal(verdict(found))}", ""]
    figures = {"AUROC": interval(grade.auroc)}
    figures |= {
        f"True-positive rate at a false-positive rate of {cap}, %": interval(rate, percent=True)
        for cap, rate in grade.tpr_at_fpr.items()
    }
    lines += _lines(figures)
    for each in found.controls:
        lines.append(f"- Control, {literal(each.title)}: {each.state}. {literal(each.words)}")
    return lines


def _measures(found: Judgement) -> list[str]:
    training = found.target.about.training
    if training is None:
        return ["- Nothing is known of how the model was trained; to be added by the controller"]
    told = _section(training.config, "defenses").items()
    defenses = sorted(name for name, options in told if options is not False)
    facts: dict[str, Any] = {
        "Defenses while training": listed(defenses) if defenses else "none",
    }
    spent = training.privacy
    if spent is not None:
        facts["Differential privacy"] = (
            f"ε = {spent.epsilon:.3g} at δ = {spent.delta:.2g} ({spent.neighbours}; noise "
            f"{'secret' if spent.secret else 'follows from the seed'})"
        )
    if training.stopping is not None:
        facts["Training was ended by"] = training.stopping.ended_by
    facts["Organisational measures (access, retention, erasure)"] = "to be added by the controller"
    return _lines(facts)


def _risk(found: Judgement) -> list[str]:
    lines = [MEANS[outcome(found).word]]
    if found.epsilon is not None and found.epsilon.low > 0:
        lines.append(
            f"The rates exclude an ε below {found.epsilon.low:.2f} (95 %): no smaller privacy "
            "budget can be claimed for this training."
        )
    if found.smallest is not None:
        lines.append(
            f"So many records show an AUROC of {found.smallest:.3f} or more nine times in ten; a "
            "smaller leak would not have been seen."
        )
    return [f"- {line}" for line in lines]


def _limits(found: Judgement) -> list[str]:
    fired = [each.title for each in found.controls if each.state == FIRES]
    doubt = f"Controls that fire: {listed(fired)}." if fired else ""
    return [f"- {literal(line)}" for line in (*BRIEFLY, *of_the_data(found), doubt) if line]


def _checking(found: Judgement) -> list[str]:
    made = found.target.about.made
    facts: dict[str, Any] = {
        "Every figure is derived again from the tables by": "lit-clid verify RUN",
    }
    if made is not None:
        facts |= {"Asked on": made.created, "Commit": made.commit, "Device": made.device}
        facts["Versions"] = listed([f"{name} {v}" for name, v in made.packages.items()])
    return _lines(facts)


def _section(config: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    section = (config or {}).get(name)
    return section if isinstance(section, Mapping) else {}
