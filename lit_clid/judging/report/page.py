"""`report.json` and `report.html`: one page without outside requests, everything from data
escaped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.files import write_json
from lit_clid.judging import pages, plots
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report import words

CURVES = 12
"""Most attacks whose curves are drawn."""


@dataclass(frozen=True)
class Picture:
    """A record as the page shows it."""

    id: str
    caption: str
    image: Image.Image
    score: float
    member: bool

    @property
    def data_url(self) -> str:
        """The image, at most 128 pixels wide, as a data: URL."""
        return pages.data_url(self.image, 128)


PictureSource = Callable[[str, float, bool], Picture]
"""(id, score, member) → the record as the page shows it."""


def surest(judgement: Judgement, count: int = 12) -> list[tuple[str, float, bool]]:
    """The records with the largest headline score, as (id, score, member), hold-outs among them
    included.
    """
    score = judgement.results[judgement.headline].verdict.score
    order = (-score).argsort(kind="stable")[:count]
    return [
        (judgement.target.ids[k], float(score[k]), bool(judgement.target.member[k])) for k in order
    ]


def report_json(judgement: Judgement, title: str) -> dict[str, Any]:
    """The report as plain values; figures are {value, low, high}, rates are keyed by "0.1",
    "0.01", "0.001".
    """
    target = judgement.target
    return {
        "name": title,
        "verdict": words.verdict(judgement),
        "headline": judgement.headline,
        "records": {"members": int(target.member.sum()), "nonmembers": int((~target.member).sum())},
        "shadow_records": None if judgement.shadow is None else len(judgement.shadow.ids),
        "attacks": {name: result.as_json() for name, result in judgement.results.items()},
        "queries": judgement.queries,
        "not_judged": list(judgement.unjudged),
        "surest": [{"id": i, "score": s, "member": m} for i, s, m in surest(judgement)],
        "skipped": list(target.about.skipped),
        "provenance": {
            "target": target.about.as_json(),
            "shadow": None if judgement.shadow is None else judgement.shadow.about.as_json(),
            **{name: table.about.as_json() for name, table in judgement.references.items()},
        },
    }


def write_report(
    judgement: Judgement, folder: Path, title: str, pictures: Sequence[Picture]
) -> Path:
    """Write report.json, the figures and report.html to `folder`, and return the page's path."""
    report = report_json(judgement, title)
    write_json(folder / "report.json", report)
    figures = _figures(judgement)
    (folder / "queries.svg").unlink(missing_ok=True)  # an earlier report may have had one
    for name, svg in figures.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    page = folder / "report.html"
    page.write_text(_render(judgement, title, report, figures, pictures), encoding="utf-8")
    return page


def _figures(judgement: Judgement) -> dict[str, str]:
    """SVG texts of the ROC, of the score histograms and of AUROC against queries; curves of the
    strongest only.
    """
    shown = dict(judgement.ranked[:CURVES])
    shown[judgement.headline] = judgement.results[judgement.headline]
    scores = {name: result.verdict.score for name, result in shown.items()}
    thresholds = {name: result.verdict.threshold for name, result in shown.items()}
    member = judgement.target.member
    costs = {n: (r.queries, r.auroc) for n, r in judgement.ranked if r.queries and not r.backward}
    return {
        "roc": plots.roc_figure(scores, member),
        "histograms": plots.histogram_figure(scores, thresholds, member),
        **(
            {"queries": plots.queries_figure(costs)}
            if len({cost for cost, _ in costs.values()}) > 1
            else {}
        ),
    }


def _render(
    judgement: Judgement,
    title: str,
    report: Mapping[str, Any],
    figures: Mapping[str, str],
    pictures: Sequence[Picture],
) -> str:
    from markupsafe import Markup

    training = judgement.target.about.training
    return pages.render(
        "lit_clid.judging.report",
        "page.html.j2",
        {"interval": words.interval, "queries": words.queries},
        title=title,
        report=report,
        verdict=words.verdict(judgement),
        cost=words.total_queries(judgement),
        curves=CURVES,
        reference=next(
            (table.about.model or "another model" for table in judgement.references.values()),
            None,
        ),
        ranked=judgement.ranked,
        headline=judgement.headline,
        has_shadow=judgement.shadow is not None,
        pictures=pictures,
        figures={name: Markup(svg) for name, svg in figures.items()},
        provenance=_flat(report["provenance"]["target"]),
        privacy=None if training is None else training.privacy,
    )


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested plain values as (dotted key, text) rows; attacks and the training's whole config
    are in report.json.
    """
    rows: list[tuple[str, str]] = []
    for key, value in content.items():
        if key in ("attacks", "skipped", "version") or (prefix, key) == ("training.", "config"):
            continue
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", "–" if value is None else str(value)))
    return rows
