"""What a gauge leaves behind: the figures as CSV and JSON, and the curve."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid.files import write_json, write_text
from lit_clid.judging.gauge import ALPHA, Reading, as_csv, first_step, rows, sentence
from lit_clid.judging.plots import gauge_figure


def write_curve(readings: Sequence[Reading], stem: Path, attack: str) -> None:
    """Write `stem`.csv and `stem`.svg, each whole or not at all; `attack` is its title."""
    write_text(stem.with_name(f"{stem.name}.csv"), as_csv(readings))
    write_text(stem.with_name(f"{stem.name}.svg"), gauge_figure(readings, attack))


def write_answer(
    readings: Sequence[Reading], models: Sequence[str], stem: Path, attack: str
) -> None:
    """Write `stem`.json: the step, the sentence, and every look with its model."""
    looks: list[dict[str, object]] = []
    for (each, height), model in zip(rows(readings), models, strict=True):
        looks.append({"model": model, **each.flat, "auroc_bar": height})
    answer = {
        "attack": attack,
        "first_step": first_step(readings),
        "sentence": sentence(readings),
        "alpha": ALPHA,
        "looks": looks,
    }
    write_json(stem.with_name(f"{stem.name}.json"), answer)
