"""The comparison on paper: words, tables, JSON and the page."""

import json
from pathlib import Path
from typing import Any

from grids import grid_of, measured

from lit_clid.judging.comparison import Comparison, Measured, markdown, words, write_comparison

EVIL = "<script>alert('x')</script>"
GRID: dict[str, Any] = {"defenses": {"none": [], EVIL: [EVIL]}, "seeds": [0], "shadow": True}
ABOUT = {"grid": GRID, "utility": {}, "provenance": {}}


def written(folder: Path, *models: Measured) -> tuple[Comparison, dict[str, Any]]:
    found = grid_of(*models)
    page = write_comparison(found, models, folder, EVIL, ABOUT)
    text = page.read_text("utf-8")
    assert "<script" not in text and "&lt;script" in text
    return found, json.loads((folder / "comparison.json").read_text("utf-8"))


def test_few_holdouts_leave_the_rate_unresolved(tmp_path: Path) -> None:
    """In words as the report has them, in JSON as null; the baseline has no change to itself."""
    few = [measured(name, 0, 1, 1, holdouts=199) for name in ("none", EVIL)]
    found, told = written(tmp_path, *few)
    assert [row[5] for row in words.rows(found)[1]] == ["unresolved"] * 2
    for against in told["defenses"]["none"]["attacks"].values():
        assert against["tpr_at_1_percent_fpr"] is None and against["auroc_minus_baseline"] is None
    enough = grid_of(measured("none", 0, 1, 1, holdouts=200))
    (row,) = words.rows(enough)[1]
    assert "[" in row[5] and (row[4], row[7]) == ("–", "–")


def test_there_is_no_heat_map_where_nothing_is_compared(tmp_path: Path) -> None:
    way = measured("none", 0, 0.5, 1, step=50, final=False)
    written(tmp_path / "lone", measured("none", 0, 1, 1), way)
    drawn = {file.stem for file in (tmp_path / "lone").glob("*.svg")}
    assert drawn == {"plane", "trajectory-none"}
    written(tmp_path / "two", measured("none", 0, 1, 1), measured("a", 0, 0.5, 1))
    assert (tmp_path / "two" / "heatmap.svg").is_file()


def test_the_most_private_defense_stands_first() -> None:
    shifts = {"none": 1.0, "a": 0.2, "b": 0.6}
    _, lines = words.rows(grid_of(*(measured(d, 0, s, 1 + s) for d, s in shifts.items())))
    assert [line[0].removesuffix(" *") for line in lines] == ["a", "b", "none"]


def test_seeds_are_spread_from_least_to_most() -> None:
    said = [words.spread(values) for values in ((), (2.0,), (1.0, 2.0, 6.0))]
    assert said == ["–", "2.00", "3.00 (1.00–6.00)"]


def test_a_document_s_table_holds_every_cell() -> None:
    assert markdown(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"
