"""The gallery in a browser: sorting, filtering, switches, and ten thousand records."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import NASTY

Visit = Callable[..., Any]
SECONDS = 2.0
"""A generous bound of what takes some 50 ms on an idle machine."""


def unfolded(page: Any) -> Any:
    page.evaluate("document.querySelector('details.all').open = true")
    return page


def scores(page: Any) -> list[float]:
    """Of the rows that are in the table."""
    page.wait_for_timeout(50)
    cells = page.locator(".scroller tbody tr:not(.space) td:nth-child(2)").all_text_contents()
    return [float(words) for words in cells]


def pictured(page: Any) -> list[int]:
    """Places of the figures in sight, in their order."""
    seen = "[...document.querySelectorAll('figure[data-k]:not([hidden])')].map((f) => +f.dataset.k)"
    return page.evaluate(seen)


def test_records_are_sorted(visit: Visit, report_page: Path) -> None:
    page = unfolded(visit(report_page))
    falling = scores(page)
    assert falling == sorted(falling, reverse=True) and len(falling) >= 10
    page.select_option("[name=order]", "rising")
    rising = scores(page)
    assert rising == sorted(rising) and rising[0] < falling[-1]
    places = pictured(page)
    recognised = places[: page.locator(".pictured").first.locator("figure").count()]
    assert recognised == sorted(recognised, reverse=True)
    page.select_option("[name=order]", "id")
    ids = page.locator(".scroller tbody td.id").all_text_contents()
    assert ids == sorted(ids, key=str.lower)


def test_records_are_filtered(visit: Visit, report_page: Path) -> None:
    page = unfolded(visit(report_page))
    assert page.locator("output").inner_text() == "120 of 120 records"
    page.select_option("[name=kind]", "0")
    assert page.locator("output").inner_text() == "60 of 120 records"
    assert {*page.locator(".scroller tbody .tag").all_text_contents()} == {"hold-out"}
    assert not page.locator(".pictured").first.is_visible()
    page.select_option("[name=kind]", "")
    page.check("[name=called]")
    called = int(page.locator("output").inner_text().split()[0])
    assert 0 < called < 120
    page.uncheck("[name=called]")
    page.fill("[name=text]", "ALERT(2)")
    assert 24 <= int(page.locator("output").inner_text().split()[0]) < 24 + 21  # ids and captions
    page.fill("[name=text]", "nothing is called that")
    assert page.locator("output").inner_text() == "0 of 120 records"
    assert pictured(page) == [] and scores(page) == []


@pytest.mark.parametrize("what", ["pictures", "captions", "ids"])
def test_a_switch_hides_what_it_names(visit: Visit, report_page: Path, what: str) -> None:
    page = visit(report_page)
    parts = {"pictures": "figure img", "captions": "figure .caption", "ids": "figure .id"}
    for on in (True, False, True):
        page.set_checked(f"[data-hides=no-{what}]", on)
        for name, selector in parts.items():
            assert page.locator(selector).first.is_visible() == (on or name != what)


def test_ids_in_the_table_are_text(visit: Visit, report_page: Path) -> None:
    page = unfolded(visit(report_page))
    page.fill("[name=text]", "onerror")
    names = page.locator(".scroller tbody td.id")
    assert names.count() > 0 and page.locator(".scroller td.id *").count() == 0
    assert names.first.inner_text().startswith(NASTY[0][:10])
    assert names.first.get_attribute("title").startswith(NASTY[0])
    assert names.first.bounding_box()["height"] < 40


@pytest.mark.slow
def test_ten_thousand_records_are_quick(visit: Visit, long_page: Path) -> None:
    assert long_page.stat().st_size < 2**20
    start = time.perf_counter()
    page = visit(long_page)
    assert len(scores(page)) < 60  # those in sight, and a few more
    assert page.locator("output").inner_text() == "10,000 of 10,000 records"
    opened = time.perf_counter() - start
    start = time.perf_counter()
    page.fill("[name=text]", "00042")
    assert page.locator("output").inner_text() == "1 of 10,000 records"
    page.fill("[name=text]", "")
    page.select_option("[name=order]", "id")
    filtered = time.perf_counter() - start
    assert page.locator(".scroller td.id").first.inner_text() == "record-00000"
    page.evaluate("document.querySelector('.scroller').scrollTop = 1e9")
    page.wait_for_timeout(100)
    assert page.locator(".scroller td.id").last.inner_text() == "record-09999"
    assert opened < 3 * SECONDS and filtered < SECONDS
