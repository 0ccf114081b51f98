"""Every attack with its figures, and what the audit asked in all: in the terminal strongest first,
on the page by families.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lit_clid import console
from lit_clid.judging.grades import CAPS, Grade
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.pages import stacked
from lit_clid.judging.report.drawings import Forest
from lit_clid.judging.report.families import WHY, families
from lit_clid.judging.report.listed import listed
from lit_clid.judging.report.markdown import literal, table
from lit_clid.judging.report.section import Report, Section

HEADER = ("attack", "queries", "AUROC", "ASR", "TPR@10%FPR", "TPR@1%FPR", "TPR@0.1%FPR")

CARD = ("family", "attack", "AUROC [95 %]", "TPR at 1 % FPR, %")
"""Headings of report.md."""
CAPPED = {4: "10 %", 5: "1 %", 6: "0.1 %"}
"""The FPR that a column of `HEADER` is capped at."""
WEAKENED = "*"
"""Marks attacks that live on the caption where it singles out no record."""


class AttackTable(Section):
    """The attacks."""

    template: ClassVar[str] = '{% include "families.html.j2" %}'

    def table(self, report: Report) -> str:
        return console.aligned([HEADER, *rows(report.judgement)], ruled=True)

    def words(self, report: Report) -> str:
        cost = total_queries(report.judgement)
        return f"Asked: {cost}" if cost else ""

    def as_json(self, report: Report) -> dict[str, Any]:
        found = report.judgement
        return {
            "attacks": {name: grade.as_json() for name, grade in found.grades.items()},
            "queries": found.queries,
            "not_judged": list(found.unjudged),
        }

    def markdown(self, report: Report) -> str:
        grades = report.judgement.grades
        lines: list[list[str]] = []
        for family in families(report.judgement):
            grade = grades[family.speaker]
            alone = family.chosen == "largest" and len(family.names) == 1
            why = "" if alone else f" ({WHY[family.chosen]})"
            name = f"{literal(family.speaker)}{why}"
            rate = interval(grade.tpr_at_fpr["0.01"], percent=True)
            lines.append([literal(family.title), name, interval(grade.auroc), rate])
        columns, _ = told_columns(CARD, lines)
        shown = [0, *columns]
        kept = [list(map(line.__getitem__, shown)) for line in lines]
        return table([CARD[k] for k in shown], kept)

    def values(self, report: Report) -> Mapping[str, Any]:
        found = report.judgement
        names = [name for name, _ in found.ranked]
        cells = dict(zip(names, rows(found), strict=True))
        columns, untold = told_columns(HEADER, list(cells.values()))
        groups = families(found)
        aurocs = {group.speaker: found.grades[group.speaker].auroc for group in groups}
        forest = Forest.over(list(aurocs.values()))
        bars = {name: forest.bar(auroc, name) for name, auroc in aurocs.items()}
        chosen_here = [g for g in groups if g.chosen == "largest" and len(g.names) > 1]
        return {
            "families": groups,
            "cells": cells,
            "columns": columns,
            "untold": listed([CAPPED[k] for k in untold if k in CAPPED]),
            "flattered": bool(chosen_here),
            "forest": forest,
            "bars": bars,
            "why": WHY,
            "stacked": stacked,
        }


def told_columns(
    header: Sequence[str], lines: Sequence[Sequence[str]]
) -> tuple[dict[int, str], list[int]]:
    """The columns beside the first of which some line has a figure, with their headings, and the
    others.
    """
    told: dict[int, str] = {}
    for k in range(1, len(header)):
        if any(line[k] not in ("unresolved", "–") for line in lines):
            told[k] = header[k]
    return told, [k for k in range(1, len(header)) if k not in told]


def rows(judgement: Judgement) -> list[tuple[str, ...]]:
    """A row of strings per attack, strongest first, as in `HEADER`; rates in percent."""
    lines: list[tuple[str, ...]] = []
    for name, grade in judgement.ranked:
        rates = [interval(grade.tpr_at_fpr[cap], percent=True) for cap in CAPS]
        asr = interval(grade.asr, percent=True)
        shown = f"{name} {WEAKENED}" if name in judgement.weakened else name
        lines.append((shown, queries_words(grade), interval(grade.auroc), asr, *rates))
    return lines


def queries_words(grade: Grade) -> str:
    """ "15", or "10 + 1∇" with backward passes."""
    if grade.queries is None:
        return "–"
    return f"{grade.queries} + {grade.backward}∇" if grade.backward else str(grade.queries)


def total_queries(judgement: Judgement) -> str:
    """What the audit asked in all, table by table; empty for tables that do not tell."""
    costs = judgement.costs
    if not costs:
        return ""
    parts = [f"{name} {cost.records} records × {cost.per_record}" for name, cost in costs.items()]
    total = sum(cost.total for cost in costs.values())
    alone = sum(cost.records * cost.per_record_one_by_one for cost in costs.values())
    backward = sum(cost.backward_total for cost in costs.values())
    gradients = f" and {backward:,} backward passes" if backward else ""
    return (
        f"{total:,} queries{gradients} ({', '.join(parts)}); one by one the attacks would make "
        f"{alone:,}."
    )
