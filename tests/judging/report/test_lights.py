"""Controls as lights: each state has a shape and a word beside its colour."""

import pytest
from parsed import Page
from tables import tables

from lit_clid.judging.judge import judge
from lit_clid.judging.report import page
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections import controls
from lit_clid.judging.report.sections.controls import SIGNS, Light, lights


def test_the_page_and_the_card_walk_the_lights(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [Light(state, f"control <{state}>", f"a|b {state}") for state in SIGNS]
    monkeypatch.setattr(controls, "lights", lambda judgement: some)
    report = Report("r", judge(tables(0, 1.5)[0]))
    seen = Page(page.report_html(report, {"queries": ""}))
    assert [label for label in seen.attributes("aria-label") if label in SIGNS] == [*SIGNS]
    for light in some:
        for words in (SIGNS[light.state], light.state, light.title, light.words):
            assert words in seen.shown
    card = page.report_markdown(report)
    assert "- Control, control &lt;fires&gt;: **fires**. a\\|b fires" in card


def test_without_controls_there_is_no_heading() -> None:
    judgement = judge(tables(0, 1.5)[0])
    assert lights(judgement) == []
    seen = Page(page.report_html(Report("r", judgement), {"queries": ""}))
    assert "Controls" not in seen.shown
