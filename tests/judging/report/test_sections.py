"""Sections: each adds its own keys, words, figures and HTML, and one class adds a section."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from parsed import Page, digest
from PIL import Image
from tables import clid_columns, scores_of, tables

from lit_clid.about import About
from lit_clid.asked import Cost
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report import page, words
from lit_clid.judging.report.pictures import Picture
from lit_clid.judging.report.publish import publish
from lit_clid.judging.report.section import Report, Section
from lit_clid.judging.report.sections import SECTIONS
from lit_clid.judging.report.sections.surest import surest
from lit_clid.scores import Scores

EVIL = "<script>alert('x')</script>"
KEYS = {
    "Opening": ["version", "name"],
    "VerdictInWords": [
        "verdict",
        "headline",
        "headline_chosen",
        "selection",
        "smallest_auroc_shown",
        "epsilon",
        "records",
        "shadow_records",
    ],
    "AttackTable": ["attacks", "queries", "not_judged"],
    "Queries": [],
    "Published": [],
    "Roc": [],
    "Histograms": [],
    "Surest": ["surest"],
    "Limits": [],
    "Provenance": ["skipped", "columns_set_aside", "provenance"],
}
"""Others rely on these; a section that is added has its own."""
FIGURES = {"Queries": ["queries"], "Roc": ["roc"], "Histograms": ["histograms"]}


def with_reference() -> Judgement:
    (target, reference), (shadow, beside) = tables(0, 1.5), tables(1, 1.5)
    return judge(target, shadow, reference, beside)


def bare(name: str = "mine", about: About | None = None) -> Judgement:
    columns, member = clid_columns(0, 1.0, 20)
    ids = tuple(f"{EVIL}{k}" for k in range(len(member)))
    return judge(Scores(ids, member, {name: columns[:, 0]}, about or About()))


def picture(name: str, score: float, member: bool) -> Picture:
    return Picture(name, f"a {EVIL}", Image.new("RGB", (300, 200)), score, member)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("judgement", [with_reference, bare])
def test_every_section_has_its_own_keys_and_figures(section: Section, judgement: Any) -> None:
    report, name = Report("r", judgement()), type(section).__name__
    keys, figures = list(section.as_json(report)), list(section.figures(report))
    assert keys == KEYS.get(name, keys)
    assert figures == (FIGURES.get(name, []) if name in KEYS else figures)
    json.dumps(section.as_json(report))  # plain values


def test_no_key_and_no_figure_belongs_to_two_sections() -> None:
    report = Report("r", with_reference())
    parts = [section.as_json(report) for section in SECTIONS]
    assert sum(len(part) for part in parts) == len(page.report_json(report))
    drawn = [section.figures(report) for section in SECTIONS]
    assert sum(len(part) for part in drawn) == len(page.report_figures(report))


def test_the_terminal_has_the_table_then_the_verdict_then_the_cost() -> None:
    columns = ["clid_th_d1", "clid_th_d2", "clid_th_l"]
    told = scores_of(*clid_columns(0, 1.0, 20), {"clid_th": {"columns": columns, "rule": "first"}})
    cost = Cost(records=40, per_record=3, per_record_one_by_one=4, total=120)
    target = replace(told, about=replace(told.about, queries=cost))
    parts = words.terminal(Report("r", judge(target))).split("\n\n")
    (verdict,) = [k for k, part in enumerate(parts) if "There is no shadow model" in part]
    asked = "Asked: 120 queries (target 40 records × 3); one by one the attacks would make 160."
    assert parts[0].startswith("attack ") and 0 < verdict < parts.index(asked)


def test_everything_from_data_is_escaped() -> None:
    about = About(model=EVIL, skipped=(EVIL,), config={"note": EVIL})
    report = Report(EVIL, bare(EVIL, about), picture)
    html = page.report_html(report, page.report_figures(report))
    shown = Page(html)
    assert EVIL not in html and "alert('x')" in shown.shown
    assert {digest(text) for text in shown.running} == shown.allowed and len(shown.allowed) == 2
    assert shown.data["ids"][0].startswith(EVIL)
    assert "data:image/png;base64," in html
    written = page.report_markdown(report)
    assert "<script" not in written and "alert(" in written


def test_a_missing_value_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(Section):
        template: ClassVar[str] = "{{ absent }}"

    monkeypatch.setattr(page, "SECTIONS", (Absent(),))
    with pytest.raises(Exception, match="'absent' is undefined"):
        page.report_html(Report("r", bare()), {})


class Count(Section):
    """A toy section: how many attacks there are."""

    template: ClassVar[str] = "<h2>Count</h2>{{ figures.count }}<p>{{ n }} of {{ title }}</p>"

    def words(self, report: Report) -> str:
        return f"{len(report.judgement.grades)} attacks"

    def as_json(self, report: Report) -> dict[str, Any]:
        return {"count": len(report.judgement.grades)}

    def figures(self, report: Report) -> dict[str, str]:
        return {"count": "<svg></svg>" if report.title == "drawn" else ""}

    def values(self, report: Report) -> dict[str, Any]:
        return {"n": len(report.judgement.grades)}


def test_one_class_and_one_line_add_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for walker in (page, words):
        monkeypatch.setattr(walker, "SECTIONS", (*SECTIONS, Count()))  # the one line
    publish(bare(), tmp_path, "drawn")
    assert json.loads((tmp_path / "report.json").read_text())["count"] == 1
    html = (tmp_path / "report.html").read_text()
    assert "<h2>Count</h2><svg></svg><p>1 of drawn</p>" in html
    assert "\n\n1 attacks\n\nreport: " in capsys.readouterr().out
    assert (tmp_path / "count.svg").is_file()
    publish(bare(), tmp_path, "again")
    assert not (tmp_path / "count.svg").exists()  # not that of an earlier report


def test_the_surest_are_the_largest_scores() -> None:
    judgement = bare()
    score = judgement.grades["mine"].verdict.score
    found = surest(judgement, 5)
    assert [s for _, s, _ in found] == sorted(score, reverse=True)[:5]
    members = dict(zip(judgement.target.ids, judgement.target.member, strict=True))
    assert all(members[name] == member for name, _, member in found)


def test_curves_are_drawn_of_the_headline_and_the_strongest() -> None:
    rng = np.random.default_rng(0)
    member = np.arange(60) < 30
    signals = {f"s{k:02d}": rng.normal(size=60) + 0.1 * k * member for k in range(15)}
    judgement = judge(Scores(tuple(map(str, range(60))), member, signals))
    drawn = page.report_figures(Report("r", judgement))["roc"]
    shown = [name for name in signals if f"<!-- {name} -->" in drawn]
    assert len(shown) == 12 and judgement.headline in shown
