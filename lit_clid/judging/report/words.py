"""The judgement in words and as a plain table, for the terminal, the JSON and the HTML page
alike.
"""

from lit_clid import console
from lit_clid.judging.evidence import Figure
from lit_clid.judging.judge import AttackResult, Judgement

HEADER = ("attack", "queries", "AUROC", "ASR", "TPR@10%FPR", "TPR@1%FPR", "TPR@0.1%FPR")


def interval(figure: Figure | None, percent: bool = False) -> str:
    """ "0.712 [0.665, 0.756]", or in percent; "unresolved" or "–" where there is no number."""
    if figure is None:
        return "–"
    if figure.value is None or figure.low is None or figure.high is None:
        return "unresolved" if figure.note.startswith("unresolved") else "–"
    scale, digits = (100, 1) if percent else (1, 3)
    value, low, high = (
        round(scale * x, digits) + 0.0 for x in (figure.value, figure.low, figure.high)
    )  # no "-0.000"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def queries(result: AttackResult) -> str:
    """ "15", or "10 + 1∇" with backward passes."""
    if result.queries is None:
        return "–"
    return f"{result.queries} + {result.backward}∇" if result.backward else str(result.queries)


def total_queries(judgement: Judgement) -> str:
    """What the audit asked in all, table by table; empty for tables that do not tell."""
    costs = judgement.costs
    if not costs:
        return ""
    parts = [f"{name} {cost.records} records × {cost.per_record}" for name, cost in costs.items()]
    alone = sum(cost.records * cost.per_record_one_by_one for cost in costs.values())
    backward = sum(cost.backward_total for cost in costs.values())
    total = sum(cost.total for cost in costs.values())
    gradients = f" and {backward:,} backward passes" if backward else ""
    asked = f"{total:,} queries{gradients} ({', '.join(parts)})"
    return f"{asked}; one by one the attacks would make {alone:,}."


def rows(judgement: Judgement) -> list[tuple[str, ...]]:
    """One row of strings per attack, strongest first, in the order of `HEADER`; rates in
    percent.
    """
    return [
        (
            name,
            queries(r),
            interval(r.auroc),
            interval(r.asr, percent=True),
            *(interval(r.tpr_at_fpr[cap], percent=True) for cap in ("0.1", "0.01", "0.001")),
        )
        for name, r in judgement.ranked
    ]


def table(judgement: Judgement) -> str:
    """The rows as aligned plain text."""
    return console.aligned([HEADER, *rows(judgement)], ruled=True)


def verdict(judgement: Judgement) -> str:
    """Two or three sentences a reader who knows no ROC can act on."""
    best = judgement.results[judgement.headline]
    assert best.auroc.value is not None
    assert best.auroc.low is not None
    assert best.auroc.high is not None
    members, holdouts = int(judgement.target.member.sum()), int((~judgement.target.member).sum())
    low, high = best.auroc.low, best.auroc.high
    chosen = "on the shadow" if judgement.shadow is not None else "here, which flatters it a little"
    if low > 0.5:
        strength = "clearly" if low >= 0.7 else "detectably" if low >= 0.55 else "faintly"
        said = (
            f"The model {strength} remembers the member records: given one of {members} members "
            f"and one of {holdouts} "
            f"hold-outs, {best.title} (the strongest attack {chosen}) names the member "
            f"{100 * best.auroc.value:.0f} % of the time (95 % interval "
            f"{100 * low:.0f}–{100 * high:.0f} %). "
            f"{_surely(best.tpr_at_fpr['0.01'], holdouts)}"
        )
    elif high < 0.5:
        said = (
            f"The scores point the wrong way: {best.title} has an AUROC interval of "
            f"{low:.2f}–{high:.2f}, below 0.5. "
            "Larger must mean more member-like; if the column holds losses, change its sign. If it "
            "does not, members "
            "and hold-outs differ in something else than training."
        )
    else:
        said = (
            f"The audit does not tell the {members} members from the {holdouts} hold-outs: "
            f"{best.title} (the strongest "
            f"attack {chosen}) has an AUROC interval of {low:.2f}–{high:.2f}, which contains 0.5. "
            f"That is absence of "
            f"evidence, not proof that the records were not used.{_others(judgement)}"
        )
    return f"{said} {calibration(judgement)}"


def _surely(sure: Figure, holdouts: int) -> str:
    """The TPR at 1 % FPR in words."""
    if sure.value is None or sure.low is None or sure.high is None:
        return f"{holdouts} hold-outs are too few to say how many members it recognises at one false alarm in a hundred."
    return (
        f"If one hold-out in a hundred may be accused wrongly, it recognises "
        f"{100 * sure.value:.0f} % of the members "
        f"({100 * sure.low:.0f}–{100 * sure.high:.0f} %)."
    )


def _others(judgement: Judgement) -> str:
    """Attacks that the verdict does not speak of but whose interval excludes 0.5."""
    above = [
        name
        for name, r in judgement.results.items()
        if (r.auroc.low or 0.0) > 0.5 and name != judgement.headline
    ]
    if not above:
        return ""
    count = len(judgement.results)
    return f" The interval of {', '.join(above)} lies above 0.5; among {count} attacks, chance alone can do that."


def calibration(judgement: Judgement) -> str:
    """What was fitted on what, in one or two sentences."""
    if judgement.shadow is not None:
        return f"Rules and thresholds were fitted on the shadow model's {len(judgement.shadow.ids)} records only."
    words = (
        "There is no shadow model: CLiD_th uses alpha = 0.9, it and CLiR the scales of the audited "
        "records (no "
        "labels), and no threshold can be set, so there is no ASR."
    )
    if judgement.unjudged:
        words += (
            f" Not judged, because they are fitted on a shadow: {', '.join(judgement.unjudged)}."
        )
    return words
