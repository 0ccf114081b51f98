"""The gallery: records that the headline attack calls members most surely, and false alarms.

Every record's score is on the page as data, for scripts to sort and filter; pictures are there of
a few. Without scripts the page shows those.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from lit_clid.judging.judge import Judgement
from lit_clid.judging.pages import data_block
from lit_clid.judging.report.section import Report, Section

RECOGNISED, ALARMS = 14, 7
"""Most pictures of members (or suspects), and of hold-outs."""
PLAIN = 12
"""Rows of the table on a page without scripts."""
MOST = 20_000
"""Records in the page, those of the largest scores; more make it slow to open."""


class Surest(Section):
    """The largest scores; pictures where the records are at hand."""

    template: ClassVar[str] = '{% include "gallery.html.j2" %}'

    def as_json(self, report: Report) -> dict[str, Any]:
        records = surest(report.judgement)
        kind = report.judgement.kind[:-1]
        return {"surest": [{"id": i, "score": s, kind: m} for i, s, m in records]}

    def values(self, report: Report) -> Mapping[str, Any]:
        judgement = report.judgement
        records = surest(judgement, MOST)
        kinds = ("hold-out", judgement.kind[:-1])
        threshold = judgement.grades[judgement.headline].verdict.threshold
        return {
            "kinds": kinds,
            "records": data_block(_data(records, kinds, threshold)),
            "count": len(records),
            "threshold": threshold,
            "first": records[:PLAIN],
            "recognised": _pictured(report, records, True, RECOGNISED),
            "alarms": _pictured(report, records, False, ALARMS),
        }


def _data(
    records: Sequence[tuple[str, float, bool]], kinds: Sequence[str], threshold: float | None
) -> dict[str, Any]:
    """The records column by column, as gallery.js reads them."""
    ids, scores, members = zip(*records, strict=True)
    return {
        "kinds": kinds,
        "ids": ids,
        "scores": scores,
        "is": "".join(map(str, map(int, members))),
        "threshold": threshold,
    }


def _pictured(
    report: Report, records: Sequence[tuple[str, float, bool]], kind: bool, most: int
) -> list[tuple[int, Any]]:
    """(place among the records, picture) of the first of a kind."""
    if report.pictures is None:
        return []
    places = [k for k, (_, _, member) in enumerate(records) if member == kind]
    return [(k, report.pictures(*records[k])) for k in places[:most]]


def surest(judgement: Judgement, count: int = 12) -> list[tuple[str, float, bool]]:
    """(id, score, member) of the `count` records with the largest headline score.

    Hold-outs among them are included.
    """
    target = judgement.target
    score = judgement.grades[judgement.headline].verdict.score
    order = np.argsort(-score, kind="stable")[:count]
    return [(target.ids[k], float(score[k]), bool(target.member[k])) for k in order]
