"""Which attacks carry over to other families, and at which level? `python benchmarks/families.py`.

Pre-trains a small pipeline of each shape (`shapes.py`), tunes a target and a shadow on the embedded
drawings, asks every attack but the costly, and sweeps the levels on the shadow, in
runs/families-SHAPE. Finished parts are kept. Rewrites the tables of docs/families.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks import LONG, fill
from shapes import pretrained

from lit_clid.auditing.losses import Grid
from lit_clid.auditing.swept import read_losses
from lit_clid.commands.sweep.run import intervals
from lit_clid.judging.notation import interval
from lit_clid.scores import Scores

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "families.md"


@dataclass(frozen=True)
class Recipe:
    """How a shape is pre-trained and tuned.

    Args:
        steps, rate: of pre-training, batches of 32.
        tuned: keys of the tuning, beside the demo's.
    """

    steps: int
    rate: float
    tuned: tuple[str, ...]


RECIPES: Mapping[str, Recipe] = {
    "flux": Recipe(4000, 2e-3, ("finetune.train=attention", "finetune.learning_rate=2e-3")),
    "sdxl": Recipe(1500, 1e-3, ()),
}
SCENES = 16_384
"""Scenes to pre-train on."""
GRID = Grid(tuple(range(50, 951, 100)), 2)
"""Levels and draws of the sweep on the shadow."""


def lit_clid(script: str, *words: str) -> None:
    line = [sys.executable, str(ROOT / script), *words]
    subprocess.run(line, check=True, cwd=ROOT, stdout=sys.stderr)


def judged(shape: str, runs: Path) -> Mapping[str, Any]:
    """The report of one shape, trained and audited if need be."""
    recipe, name = RECIPES[shape], f"families-{shape}"
    base = pretrained(shape, runs / f"{name}-base", SCENES, recipe.steps, 32, recipe.rate)
    words = [f"name={name}", f"runs={runs}", f"target.path={base}", *LONG, *recipe.tuned]
    report = runs / name / "report.json"
    if not report.is_file():
        lit_clid("train.py", *words, "finetune.samples=0")
        lit_clid("train.py", *words, "role=shadow", "finetune.samples=0")
        lit_clid("audit.py", *words, "audit.reference_attacks=null")
        swept = [f"sweep.t={list(GRID.t)}", f"sweep.draws={GRID.draws}"]
        sweep = [sys.executable, "-m", "lit_clid.sweep", *words, *swept]
        subprocess.run(sweep, check=True, cwd=ROOT, stdout=sys.stderr)
    found: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def table(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """AUROC of every attack, a column for each shape, the demo's first."""
    names = list(next(iter(reports.values()))["attacks"])
    lines = [f"| attack | {' | '.join(reports)} |", "|---" * (len(reports) + 1) + "|"]
    for name in names:
        cells = [_cell(report["attacks"].get(name)) for report in reports.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def levels(shape: str, runs: Path) -> str:
    """AUROC of one draw at each level, on the shadow's records."""
    scores = Scores.load(runs / f"families-{shape}" / "scores" / "sweep.parquet")
    shown = intervals(read_losses(scores, GRID))
    lines = [f"| t | {' | '.join(shown)} |", "|---" * (len(shown) + 1) + "|"]
    for row, t in enumerate(GRID.t):
        cells = [interval(each[row]) for each in shown.values()]
        lines.append(f"| {t} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else "{value:.3f} [{low:.3f}, {high:.3f}]".format(**found["auroc"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--shapes", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--demo", type=Path, help="report.json of the demo, tuned likewise")
    arguments = parser.parse_args()
    shapes = arguments.shapes
    reports = {shape: judged(shape, arguments.runs) for shape in shapes}
    if arguments.demo:
        reports = {"demo": json.loads(arguments.demo.read_text(encoding="utf-8")), **reports}
    marks = {f"levels of {shape}": levels(shape, arguments.runs) for shape in shapes}
    marks["attacks on other shapes"] = table(reports)
    page = PAGE.read_text(encoding="utf-8")
    shown = {name: text for name, text in marks.items() if f"<!-- {name} -->" in page}
    PAGE.write_text(fill(page, shown), encoding="utf-8")
    print(table(reports))


if __name__ == "__main__":
    main()
