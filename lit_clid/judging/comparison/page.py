"""`comparison.json`, the figures as SVG and PNG, and `comparison.html`, one page in itself."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.files import write_json, write_text
from lit_clid.judging import pages, plots
from lit_clid.judging.comparison import words
from lit_clid.judging.comparison.compared import Comparison, Point
from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.evidence import Estimate, Evidence
from lit_clid.judging.pooled import over_records

TEMPLATE = Path(__file__).with_name("page.html.j2")
SHEET = 1024
"""Most pixels that a sheet of samples is wide and high on the page."""


def write_comparison(
    comparison: Comparison,
    measured: Sequence[Measured],
    folder: Path,
    title: str,
    about: Mapping[str, Any],
    *,
    pictures: bool = True,
) -> Path:
    """Write comparison.json, .md and .html and the figures to `folder`; returns the page's path.

    Args:
        measured: the models, for their samples.
        about: how the grid was made: its words, utility options, provenance.
        pictures: whether the page shows what the models drew for hold-outs' captions.
    """
    write_json(folder / "comparison.json", {"name": title, **about, **comparison.as_json()})
    tables = {
        "Summary": words.rows(comparison),
        "AUROC of every attack": words.attack_rows(comparison),
        f"AUROC minus that of {comparison.baseline}": words.change_rows(comparison),
    }
    text = "\n\n".join(words.markdown(*table) for table in tables.values() if table[1])
    write_text(folder / "comparison.md", text + "\n")
    figures: dict[str, str] = {}
    for name, figure in _figures(comparison).items():
        figures[name] = plots.svg(figure)
        write_text(folder / f"{name}.svg", figures[name])
        plots.png(figure, folder / f"{name}.png")
        plots.pdf(figure, folder / f"{name}.pdf")
    page = folder / "comparison.html"
    write_text(
        page, _render(comparison, measured if pictures else (), title, about, tables, figures)
    )
    return page


def _figures(comparison: Comparison) -> dict[str, Any]:
    """The figures by name; a heat map where anything is compared, trajectories where there are."""
    plane: dict[str, tuple[Estimate, Estimate]] = {}
    changes: dict[str, dict[str, Evidence]] = {}
    for name, d in comparison.defenses.items():
        plane[name] = d.strongest.auroc.over_records, d.loss.over_records
        row = {attack: over_records(against.change) for attack, against in d.attacks.items()}
        if _any_resolved(row.values()):
            changes[name] = row
    front, shares = comparison.pareto, comparison.pareto_share
    figures = {"plane": plots.plane_figure(plane, front, shares, "the strongest attack")}
    if changes:
        figures["heatmap"] = plots.heat_map(changes, comparison.baseline)
    for name, points in comparison.trajectories.items():
        figures[f"trajectory-{name}"] = _trajectory(points, list(comparison.titles))
    return figures


def _trajectory(points: Sequence[Point], attacks: Sequence[str]) -> Any:
    auroc: dict[str, list[Evidence]] = {}
    rates: dict[str, list[Evidence]] = {}
    for attack in attacks:
        against = [point.attacks[attack] for point in points]
        auroc[attack] = [each.auroc.over_records for each in against]
        rates[attack] = [over_records(each.tpr_at_1) for each in against]
    shown = {attack: found for attack, found in rates.items() if _any_resolved(found)}
    x = [point.steps_per_image for point in points]
    return plots.trajectory_figure(x, auroc, shown, [point.loss.over_records for point in points])


def _any_resolved(found: Iterable[Evidence]) -> bool:
    return any(isinstance(each, Estimate) for each in found)


def _render(
    comparison: Comparison,
    measured: Sequence[Measured],
    title: str,
    about: Mapping[str, Any],
    tables: Mapping[str, Any],
    figures: Mapping[str, str],
) -> str:
    from markupsafe import Markup

    chosen = sorted({defended.strongest.chosen_on for defended in comparison.defenses.values()})
    return pages.render(
        TEMPLATE.read_text(encoding="utf-8"),
        title=title,
        comparison=comparison,
        findings=words.findings(comparison),
        tables=tables,
        stacked=pages.stacked,
        about=about,
        sheets=_sheets(measured),
        seed=measured[0].seed if measured else None,
        chosen=chosen,
        figures={name: Markup(_coloured(name, svg)) for name, svg in figures.items()},
    )


def _coloured(name: str, svg: str) -> str:
    """The figure in the page's colours; the heat map's own mean something, on light ground."""
    return svg if name == "heatmap" else plots.themed(svg)


def _sheets(measured: Sequence[Measured]) -> list[tuple[str, str]]:
    """(defense, data: URL) of the first seed's sheets of samples."""
    sheets: list[tuple[str, str]] = []
    for model in measured:
        sheet = model.usefulness.sheet
        if model.final and sheet is not None and sheet.is_file() and model.seed == measured[0].seed:
            with Image.open(sheet, formats=("PNG",)) as image:
                sheets.append((model.defense, pages.data_url(image, SHEET)))
    return sheets
