"""Publish a judgement: report.json, report.md, the figures, tables and report.html, and the words
in the terminal.
"""

from pathlib import Path

from lit_clid import console
from lit_clid.errors import UserError
from lit_clid.files import write_json, write_text
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.card import card_markdown
from lit_clid.judging.report.page import (
    report_figures,
    report_html,
    report_json,
    report_markdown,
    report_tables,
)
from lit_clid.judging.report.papers import results_texts, write_pdfs
from lit_clid.judging.report.pictures import PictureSource
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.words import terminal


def refuse_foreign(folder: Path, scores: str) -> None:
    """Keep a run's own report from being overwritten by that of a table from elsewhere."""
    table = Path(scores).expanduser().resolve()
    if (folder / "split.csv").is_file() and not table.is_relative_to(folder.resolve()):
        raise UserError(
            f"scores: {folder} holds another audit's report; give this one a name of its own with "
            "name=…"
        )


def publish(
    judgement: Judgement, folder: Path, name: str, pictures: PictureSource | None = None
) -> None:
    """Write the report to `folder` and print its words and its path.

    Args:
        name: the report's title.
        pictures: finds the records to show; None shows none.
    """
    report = Report(name, judgement, pictures)
    page = write_report(report, folder)
    console.say(f"\n{terminal(report)}\n\nreport: {page}")


def write_report(report: Report, folder: Path) -> Path:
    """Write report.json, report.md, card.md, the figures, tables and report.html to `folder`, and
    return the page's path.

    A file of an earlier report that is not made any more is deleted.
    """
    figures = report_figures(report)
    html = report_html(report, figures)
    write_json(folder / "report.json", report_json(report))
    write_text(folder / "report.md", report_markdown(report))
    write_text(folder / "card.md", card_markdown(report))
    files = {f"{name}.svg": svg for name, svg in figures.items()}
    files |= {f"{name}.csv": text for name, text in report_tables(report).items()}
    files |= results_texts(report.judgement)
    for name, text in files.items():
        if text:
            write_text(folder / name, text)
        else:
            (folder / name).unlink(missing_ok=True)
    for file in (*folder.glob("versus-*.csv"), *folder.glob("versus-*.tex")):
        file.unlink()  # of another judgement
    write_pdfs(report.judgement, folder)
    page = folder / "report.html"
    write_text(page, html)
    return page
