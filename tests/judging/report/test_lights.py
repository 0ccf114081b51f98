"""Controls as lights: each state has a shape and a word beside its colour."""

from dataclasses import replace
from pathlib import Path

from tables import tables

from lit_clid.judging.controls.control import Control
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.controls import SIGNS


def test_the_page_and_the_card_walk_the_lights(tmp_path: Path) -> None:
    some = tuple(
        Control(state, f"control <{state}>", state, f"a|b {state}", "members") for state in SIGNS
    )
    judgement = replace(judge(tables(0, 1.5)[0]), controls=some)
    page = write_report(Report("r", judgement), tmp_path).read_text(encoding="utf-8")
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    for state, sign in SIGNS.items():
        assert f'role="img" aria-label="{state}">{sign}</span>' in page
        assert f"control &lt;{state}&gt;" in page and f"<{state}>" not in page
        assert f"**{state}**" in card and f"a\\|b {state}" in card
    assert "NOT CONCLUSIVE" in page
