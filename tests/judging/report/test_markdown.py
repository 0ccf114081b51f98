"""report.md: short, and literal whatever names the data have."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from tables import tables

from lit_clid.judging.judge import judge
from lit_clid.judging.report.markdown import SIGNS, literal, table
from lit_clid.judging.report.page import report_markdown
from lit_clid.judging.report.section import Report

NASTY = st.text(st.sampled_from("|\\`*_[]<>&@#~$\n\r\t:/ab é‮\u2028😀") | st.characters())


def seen(text: str) -> str:
    """What Markdown shows of text in which only escapes and entities mean anything."""
    parts = re.split(r"\\(.)", text, flags=re.DOTALL)
    return html.unescape("".join(parts))


@given(NASTY)
def test_a_text_is_shown_as_it_is_on_one_line(text: str) -> None:
    line = literal(text)
    printed = "".join(sign if sign.isprintable() else " " for sign in text)
    assert len(line.splitlines()) <= 1
    assert seen(line) == " ".join(printed.split()) or "&" in text
    bare = re.sub(r"\\.", "", line)
    assert not {*bare} & (SIGNS - {"#"}) and not {*bare} & {"<", ">", "@"} and "://" not in bare


@given(st.lists(NASTY, min_size=1, max_size=4))
def test_a_table_keeps_its_columns(cells: list[str]) -> None:
    heading, rule, line = table(["h"] * len(cells), [[literal(cell) for cell in cells]]).split("\n")
    for row in (heading, rule, line):
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == len(cells) + 1


def test_the_card_is_short_and_tells_the_answer() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.5), tables(1, 1.5)
    written = report_markdown(Report("a|b\n<i>", judge(target, shadow, reference, beside)))
    lines = written.splitlines()
    assert len(lines) < 40 and lines[0] == "# Membership audit: a\\|b &lt;i&gt;"
    for part in ("**REMEMBERS.**", "- AUROC: **", "| family | attack |", "one distribution"):
        assert part in written
