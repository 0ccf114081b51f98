"""`report.json`, `report.md`, the figures and `report.html`, one page without outside requests.

Everything from data is escaped.
"""

from typing import Any

from lit_clid.judging import pages, plots
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections import SECTIONS

SCRIPTS = ("page.js", "gallery.js")
PAGE = """
{% extends "base.html.j2" %}
{% block title %}{{ title }} – membership audit{% endblock %}
{% block main %}
{% for part in parts %}
{{ part }}
{% endfor %}
{% endblock %}
"""


def report_json(report: Report) -> dict[str, Any]:
    """The report as plain values; figures are {value, low, high}, rates are keyed by their caps."""
    content: dict[str, Any] = {}
    for section in SECTIONS:
        content |= section.as_json(report)
    return content


def report_figures(report: Report) -> dict[str, str]:
    """SVG text by name; an empty text where there is nothing to draw."""
    drawn: dict[str, str] = {}
    for section in SECTIONS:
        drawn |= section.figures(report)
    return drawn


def report_tables(report: Report) -> dict[str, str]:
    """CSV text by name; an empty text where there is none."""
    made: dict[str, str] = {}
    for section in SECTIONS:
        made |= section.tables(report)
    return made


def report_html(report: Report, figures: dict[str, str]) -> str:
    """The page, with `figures` (SVG by name) set into it."""
    from markupsafe import Markup

    given: dict[str, Any] = {
        "title": report.title,
        "judgement": report.judgement,
        "figures": {name: Markup(plots.themed(svg)) for name, svg in figures.items()},
    }
    parts: list[str] = []
    for section in SECTIONS:
        parts.append(pages.render(section.template, **(given | {**section.values(report)})))
    return pages.render(PAGE, SCRIPTS, title=report.title, parts=parts)


def report_markdown(report: Report) -> str:
    """The report in some forty lines, for a model's card."""
    parts = [section.markdown(report) for section in SECTIONS]
    return "\n\n".join(part for part in parts if part) + "\n"
