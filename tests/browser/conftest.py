"""The page in a real browser: the system's Chromium, without downloads, network or sandbox."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import NASTY
from PIL import Image
from tables import tables

from lit_clid.judging.judge import judge
from lit_clid.judging.report.pictures import Picture
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report
from lit_clid.scores import Scores

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in Path(str(item.fspath)).parts:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"there is no browser: none of {', '.join(CHROMIUM)} is installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file; at the end nothing must have been said, thrown, asked or requested."""
    said: list[str] = []
    contexts: list[Any] = []

    def opened(file: Path, width: int = 1280, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda asked: said.append(asked.url))
        page.goto(file.as_uri())
        said.remove(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [each for each in said if not each.startswith("data:image/png")] == []


def picture(name: str, score: float, member: bool) -> Picture:
    caption = NASTY[sum(map(ord, name)) % len(NASTY)]
    return Picture(name, caption, Image.new("RGB", (32, 24), "teal"), score, member)


@pytest.fixture(scope="session")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a shadow, a reference, pictures, and ids and captions that are nasty."""
    (target, reference), (shadow, beside) = tables(0, 1.5, 60), tables(1, 1.5, 60)
    names = tuple(f"{NASTY[k % len(NASTY)]} {k:03d}" for k in range(len(target.ids)))
    target, reference = (
        Scores(names, each.member, each.signals, each.about) for each in (target, reference)
    )
    report = Report(NASTY[0], judge(target, shadow, reference, beside), picture)
    return write_report(report, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def long_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on 10,000 records of one column."""
    dice, member = np.random.default_rng(0), np.arange(10_000) % 2 == 0
    ids = tuple(f"record-{k:05d}" for k in range(len(member)))
    score = dice.normal(size=len(member)) + member
    report = Report("long", judge(Scores(ids, member, {"mine": score})))
    return write_report(report, tmp_path_factory.mktemp("long"))
