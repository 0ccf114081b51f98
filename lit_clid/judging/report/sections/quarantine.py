"""Records that are in no figure, because a model has no finite answer about them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import inline
from lit_clid.judging.quarantine import Gap
from lit_clid.judging.report.markdown import literal
from lit_clid.judging.report.section import Report, Section

MOST = 5
"""Records that a sentence names."""
MEANING = (
    "What overflows need not do so by chance: where members and hold-outs fall out at different "
    "rates, the figures leave out just what would tell them apart. Ask again in full precision "
    "(audit.precision=32, under another name=…)."
)


class Quarantine(Section):
    """Which records were put aside, for which model, and how many of each kind."""

    template: ClassVar[str] = (
        "{% if said %}<section><h2>Records put aside</h2>{% for each in said %}<p>{{ each }}</p>"
        "{% endfor %}</section>{% endif %}"
    )

    def words(self, report: Report) -> str:
        return "\n".join(_said(report.judgement))

    def markdown(self, report: Report) -> str:
        return "\n".join(f"- {literal(each)}" for each in _said(report.judgement, named=False))

    def as_json(self, report: Report) -> dict[str, Any]:
        gaps = report.judgement.gaps
        if not gaps:
            return {}
        counts: dict[str, dict[str, int]] = {}
        for gap in gaps:
            own = counts.setdefault(gap.table, {})
            own[f"{gap.kind}s"] = own.get(f"{gap.kind}s", 0) + 1
        return {"quarantined": {"counts": counts, "records": [gap.as_json() for gap in gaps]}}

    def values(self, report: Report) -> Mapping[str, Any]:
        return {"said": _said(report.judgement)}


def _said(judgement: Judgement, *, named: bool = True) -> list[str]:
    """A sentence for each table, and what they mean; nothing without any.

    Args:
        named: whether records are.
    """
    by_table: dict[str, list[Gap]] = {}
    for gap in judgement.gaps:
        by_table.setdefault(gap.table, []).append(gap)
    said = [_of_table(name, gaps, named=named) for name, gaps in by_table.items()]
    return [*said, MEANING] if said else []


def _of_table(table: str, gaps: list[Gap], *, named: bool) -> str:
    kinds = Counter(gap.kind for gap in gaps)
    counts = " and ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in kinds.items())
    names = ", ".join(f"{inline(gap.id)} ({', '.join(gap.columns[:3])})" for gap in gaps[:MOST])
    rest = f" and {len(gaps) - MOST} more" if len(gaps) > MOST else ""
    which = f", {names}{rest}" if named else ""
    return (
        f"In no figure, for the {table} answers NaN or infinity: {counts}{which}; tables that are "
        "compared with its leave them out too."
    )
