"""The page in a browser: light and dark, wide and narrow, on paper, without scripts, unharmed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import COLOURS, NASTY, READABLE, contrast, luminance
from grids import grid_of, measured

from lit_clid.judging.comparison import write_comparison

Visit = Callable[..., Any]
DRAWN = "[id^=text_] use"
"""Letters of a figure by matplotlib."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(visit: Visit, report_page: Path, scheme: str) -> None:
    page = visit(report_page, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    texts = "h1, h2, h3, p, td, th, li, summary, label, .tag, .lamp, .state, dt, dd, svg.plot text"
    found = page.evaluate(COLOURS, [f"{texts}, {DRAWN}"])
    assert len(found) > 100
    for text, ground, where in found:
        assert contrast(text, ground) >= READABLE, where


def test_dark_is_dark(visit: Visit, report_page: Path) -> None:
    page = visit(report_page)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ((_, ground, _),) = page.evaluate(COLOURS, ["body"])
        grounds.append(luminance(ground))
    assert grounds[0] > 0.8 and grounds[1] < 0.05


def test_a_phone_shows_names_bars_and_values(visit: Visit, report_page: Path) -> None:
    page = visit(report_page, 390)
    for opened in (False, True):
        if opened:
            page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for selector in (".who b", "summary .bar", "summary .value", ".tile .value"):
        for each in page.locator(selector).all():
            box = each.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390, selector
    for row in page.locator("details.family > summary").all():
        name, bar, value = (row.locator(part).bounding_box() for part in (".who", ".bar", ".value"))
        assert name["width"] >= 100 and bar["width"] >= 300
        assert name["x"] + name["width"] <= value["x"]  # beside each other
        assert bar["y"] >= max(name["y"] + name["height"], value["y"] + value["height"]) - 1
    assert re.fullmatch(r"0\.\d{3} \[.*\]", page.locator("summary .value").first.inner_text())
    cells = page.locator(".family td[data-label=AUROC]").first
    assert cells.bounding_box()["x"] + cells.bounding_box()["width"] <= 390


def test_wide_it_is_an_answer_not_a_log(visit: Visit, report_page: Path) -> None:
    """About three screens of 900 pixels before what is folded."""
    page = visit(report_page)
    assert page.locator(".fold").first.bounding_box()["y"] < 3000
    assert page.locator(".verdict h2").bounding_box()["y"] < 450
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_has_all_that_is_folded(visit: Visit, report_page: Path, scripts: bool) -> None:
    page = visit(report_page, java_script_enabled=scripts)
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = {tuple(map(float, box)) for box in re.findall(rb"/MediaBox \[0 0 (\S+) (\S+)\]", pdf)}
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= 3
    assert boxes and all(abs(w - 595) < 2 and abs(h - 842) < 2 for w, h in boxes)
    page.emulate_media(media="print")
    assert not page.locator("form.controls").is_visible()
    if scripts:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for words in ("Near-duplicates of a record", "records skipped", "oracle ASR, %", "Loss −"):
        assert page.get_by_text(words).first.is_visible(), words
    if scripts:
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator(".fold[open]").count() == 0


def test_drawings_tell_what_they_show(visit: Visit, report_page: Path) -> None:
    page = visit(report_page)
    drawn = page.locator("svg[role=img]")
    assert drawn.count() >= 5
    for each in drawn.all():
        assert len(each.get_attribute("aria-label")) > 10
    silent = "svg:not([role=img], [aria-hidden=true], [role=img] svg)"
    assert page.locator(silent).count() == 0


def test_words_from_data_make_no_elements(visit: Visit, report_page: Path) -> None:
    """HTML, emoji, other directions and 10,000 letters are shown as text, clipped."""
    page = visit(report_page)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.locator("h1").inner_text() == NASTY[0]
    assert page.locator("script").count() == 3 and page.locator("img:not([src^=data])").count() == 0
    assert page.locator("main b:text-is('bold')").count() == 0
    captions = page.locator("figure .caption")
    shown = {words.strip() for words in captions.all_text_contents()}
    (long,) = {words for words in shown if len(words) > 1000}
    assert long.endswith("...") and len(long) == 3000
    assert shown - {long} == {words.strip() for words in NASTY if len(words) <= 3000}
    for each in captions.all():
        assert each.bounding_box()["height"] < 60
        assert each.get_attribute("dir") == "auto" and each.get_attribute("title")
    hebrew = captions.filter(has_text="שלום").first
    assert hebrew.evaluate("(each) => getComputedStyle(each).direction") == "rtl"
    assert hebrew.evaluate("(each) => each.matches(':dir(rtl)')")


def test_without_scripts_it_says_the_same(visit: Visit, report_page: Path) -> None:
    page = visit(report_page, java_script_enabled=False)
    for selector in (".verdict h2", ".tile", ".family summary", "svg.plot", "figure img"):
        assert page.locator(selector).first.is_visible(), selector
    assert not page.locator("form.controls").is_visible()
    page.locator("details.all > summary").click()
    assert page.locator(".scroller tbody tr").count() == 12


def test_a_comparison_follows_light_and_dark(visit: Visit, tmp_path: Path) -> None:
    models = [measured(name, 0, shift, 1.0) for name, shift in (("none", 1.0), ("a", 0.5))]
    grid = {"defenses": {"none": [], "a": ["a"]}, "seeds": [0], "shadow": True}
    about = {"grid": grid, "utility": {}, "provenance": {}}
    file = write_comparison(grid_of(*models), models, tmp_path, "grid", about)
    for scheme in ("light", "dark"):
        page = visit(file, color_scheme=scheme)
        found = page.evaluate(COLOURS, [f"h1, h2, p, td, th, li, .card:not(.light) {DRAWN}"])
        assert len(found) > 50
        for text, ground, where in found:
            assert contrast(text, ground) >= READABLE, where
        ((_, ground, _),) = page.evaluate(COLOURS, ["body"])
        assert (luminance(ground) < 0.05) == (scheme == "dark")
