"""The verdict: what a reader who knows no ROC can act on.

It speaks of the headline attack alone. AUROC is the chance to name the member of a pair, one member
and one hold-out; the sentence depends on where its 95 % interval lies to one half.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.evidence import Evidence, Unresolved
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.section import Report, Section


class VerdictInWords(Section):
    """Two or three sentences, and what private training spent."""

    template: ClassVar[str] = """
<h2>Verdict</h2>
<div class="card verdict">{{ verdict }}</div>
{% if privacy %}
<p class="soft">The target was trained with DP-SGD: ε = {{ "%.3g" | format(privacy.epsilon) }} at
δ = {{ "%.2g" | format(privacy.delta) }} by the {{ privacy.accountant | upper }} accountant (noise
multiplier {{ "%.3g" | format(privacy.noise_multiplier) }}, clipping bound
{{ privacy.max_grad_norm }}, sampling rate {{ "%.3g" | format(privacy.sample_rate) }};
{{ privacy.neighbours }}).
{% if not privacy.secret %}
Its noise follows from the seed: ε protects against nobody who knows it.
{% endif %}
</p>
{% endif %}
"""

    def words(self, report: Report) -> str:
        return verdict(report.judgement)

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement
        return {
            "verdict": verdict(found),
            "headline": found.headline,
            "records": {"members": found.members, "nonmembers": found.holdouts},
            "shadow_records": None if found.shadow is None else len(found.shadow.ids),
        }

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"verdict": verdict(report.judgement), "privacy": report.judgement.privacy}


def verdict(judgement: Judgement) -> str:
    """Two or three sentences: what was found, and what was fitted on what."""
    auroc = judgement.grades[judgement.headline].auroc
    if auroc.low > 0.5:
        said = _remembers(judgement)
    elif auroc.high < 0.5:
        said = _wrong_way(judgement)
    else:
        said = _undecided(judgement)
    return f"{said} {calibration(judgement)}"


def _remembers(judgement: Judgement) -> str:
    best = judgement.grades[judgement.headline]
    low, high = best.auroc.low, best.auroc.high
    strength = _strength(low)
    return (
        f"The model {strength} remembers the member records: given one of {judgement.members} "
        f"members and one of {judgement.holdouts} hold-outs, {best.title} (the strongest attack "
        f"{_chosen(judgement)}) names the member {100 * best.auroc.value:.0f} % of the time (95 % "
        f"interval {100 * low:.0f}–{100 * high:.0f} %). "
        f"{_surely(best.tpr_at_fpr['0.01'], judgement.holdouts)}"
    )


def _strength(low: float) -> str:
    if low >= 0.7:
        return "clearly"
    return "detectably" if low >= 0.55 else "faintly"


def _wrong_way(judgement: Judgement) -> str:
    best = judgement.grades[judgement.headline]
    return (
        f"The scores point the wrong way: {best.title} has an AUROC interval of "
        f"{best.auroc.low:.2f}–{best.auroc.high:.2f}, below 0.5. Larger must mean more "
        "member-like; if the column holds losses, change its sign. If it does not, members and "
        "hold-outs differ in something else than training."
    )


def _undecided(judgement: Judgement) -> str:
    best = judgement.grades[judgement.headline]
    return (
        f"The audit does not tell the {judgement.members} members from the {judgement.holdouts} "
        f"hold-outs: {best.title} (the strongest attack {_chosen(judgement)}) has an AUROC "
        f"interval of {best.auroc.low:.2f}–{best.auroc.high:.2f}, which contains 0.5. That is "
        f"absence of evidence, not proof that the records were not used.{_others(judgement)}"
    )


def _chosen(judgement: Judgement) -> str:
    """On which records the headline attack was found strongest."""
    return "here, which flatters it a little" if judgement.shadow is None else "on the shadow"


def _surely(sure: Evidence, holdouts: int) -> str:
    """The TPR at 1 % FPR in words."""
    if isinstance(sure, Unresolved):
        return (
            f"{holdouts} hold-outs are too few to say how many members it recognises at one false "
            "alarm in a hundred."
        )
    return (
        "If one hold-out in a hundred may be accused wrongly, it recognises "
        f"{100 * sure.value:.0f} % of the members ({100 * sure.low:.0f}–{100 * sure.high:.0f} %)."
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
    said = (
        "There is no shadow model: CLiD_th uses alpha = 0.9, it and CLiR the scales of the audited "
        "records (no labels), and no threshold can be set, so there is no ASR."
    )
    if judgement.unjudged:
        names = ", ".join(judgement.unjudged)
        said += f" Not judged, because they are fitted on a shadow: {names}."
    return said
