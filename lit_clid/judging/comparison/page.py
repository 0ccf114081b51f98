"""`comparison.json`, the figures as SVG and PNG, and `comparison.html`: one page without outside
requests.
"""

from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.files import write_json, write_text
from lit_clid.judging import pages, plots
from lit_clid.judging.comparison import words
from lit_clid.judging.comparison.compare import Comparison, Point
from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.evidence import Pooled
from lit_clid.judging.plots import Plane, Series, Square


def write_comparison(
    comparison: Comparison,
    measured: Sequence[Measured],
    folder: Path,
    title: str,
    about: Mapping[str, Any],
) -> Path:
    """Write comparison.json, .md and .html and the figures to `folder`; returns the page's path.

    Args:
        measured: the models, for their samples.
        about: how the grid was made: its words, utility options, provenance.
    """
    write_json(folder / "comparison.json", {"name": title, **about, **comparison.as_json()})
    tables = {
        "Summary": words.rows(comparison),
        "AUROC of every attack": words.attack_rows(comparison),
        f"AUROC minus that of {comparison.baseline}": words.change_rows(comparison),
    }
    text = "\n\n".join(f"{words.markdown(*table)}" for table in tables.values() if table[1])
    write_text(folder / "comparison.md", text + "\n")
    figures = {}
    for name, figure in _figures(comparison).items():
        figures[name] = plots.svg(figure)
        write_text(folder / f"{name}.svg", figures[name])
        plots.png(figure, folder / f"{name}.png")
    page = folder / "comparison.html"
    write_text(page, _render(comparison, measured, title, about, tables, figures))
    return page


def _figures(comparison: Comparison) -> dict[str, Any]:
    plane = {
        name: Plane(
            _triple(d.attacks[d.strongest].auroc), _triple(d.loss), name in comparison.pareto
        )
        for name, d in comparison.defenses.items()
    }
    figures = {"plane": plots.plane_figure(plane, "the strongest attack")}
    changes = {
        name: {attack: _square(against.change) for attack, against in d.attacks.items()}
        for name, d in comparison.defenses.items()
        if any(against.change for against in d.attacks.values())
    }
    if changes:
        figures["heatmap"] = plots.heat_map(changes, comparison.baseline)
    for name, points in comparison.trajectories.items():
        figures[f"trajectory-{name}"] = _trajectory(points, list(comparison.titles))
    return figures


def _trajectory(points: Sequence[Point], attacks: Sequence[str]) -> Any:
    x = [point.steps_per_image for point in points]
    auroc = {a: _series(x, [point.attacks[a].auroc for point in points]) for a in attacks}
    rates = {a: [point.attacks[a].tpr_at_1 for point in points] for a in attacks}
    tpr = {a: _series(x, found) for a, found in rates.items() if any(found)}
    return plots.trajectory_figure(auroc, tpr, _series(x, [point.loss for point in points]))


def _triple(figure: Pooled) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def _square(figure: Pooled | None) -> Square | None:
    return None if figure is None else Square(*_triple(figure))


def _series(x: Sequence[float], figures: Sequence[Pooled | None]) -> Series:
    parts = zip(
        *((nan,) * 3 if figure is None else _triple(figure) for figure in figures), strict=True
    )
    return Series(x, *(list(part) for part in parts))


def _render(
    comparison: Comparison, measured: Sequence[Measured], title: str, about: Mapping[str, Any],
    tables: Mapping[str, Any], figures: Mapping[str, str],
) -> str:  # fmt: skip
    from markupsafe import Markup

    sheets = []
    for model in measured:
        sheet = model.usefulness.sheet
        if model.final and sheet is not None and sheet.is_file() and model.seed == measured[0].seed:
            with Image.open(sheet, formats=("PNG",)) as image:
                sheets.append((model.defense, pages.data_url(image, 1024)))
    return pages.render(
        "lit_clid.judging.comparison",
        "page.html.j2",
        {},
        title=title,
        comparison=comparison,
        findings=words.findings(comparison),
        tables=tables,
        about=about,
        sheets=sheets,
        seed=measured[0].seed,
        figures={name: Markup(svg) for name, svg in figures.items()},
    )
