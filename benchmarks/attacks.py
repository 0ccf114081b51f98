"""Every attack on the demo and on fxemoji, three training seeds each: `python benchmarks/attacks.py
--fxemoji FOLDER`.

Trains and audits what is missing in runs/benchmark-DATA-SEED (hours on two cores; finished parts
are kept), judges the tables and writes docs/benchmark.md, docs/benchmark-queries.svg and
docs/benchmark.json. The recipes and the attacks' defaults were settled on seeds 11 and 12.

Figures are means over the seeds. Intervals are 95 % stratified bootstrap intervals of that mean
over the audited records of every run; beside them the smallest and largest run, and Student's t
over the runs.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from bench import Bench, Row

from lit_clid.judging import plots
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.notation import bounds, interval
from lit_clid.judging.pooled import Pooled
from lit_clid.judging.tables import load_tables

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SEEDS = (0, 1, 2)
REFERENCED = (
    "loss,monte_carlo,secmi,pia,sima,clid_th,clid_th_null,clid_th_clip,clid_th_noise,clir,clir_5"
)
COMMON = ["finetune.samples=0", f"audit.reference_attacks=[{REFERENCED}]"]
LONG = ["finetune.schedule=constant", "trainer.max_steps=2000"]
"""How the demo is tuned here: for longer than by itself, and at a constant rate."""
LAB = ["trainer.max_steps=2000", "data.members=248", "data.nonmembers=248", "data.shadow=disjoint"]
"""fxemoji in four disjoint parts, so that target and shadow of one seed share no record; seeds deal
the same 999 drawings anew, and two of them share about half of the target's."""
BUDGETS = (1, 5, 15, 50)


def run(data: str, seed: int, fxemoji: str, runs: Path) -> Path:
    """Train and audit one cell if need be; its folder of tables."""
    name = f"benchmark-{data}-{seed}"
    tables = runs / name / "scores"
    if not (runs / name / "report.json").is_file():
        own = [*LAB, f"data.path={fxemoji}"] if data == "fxemoji" else LONG
        words = [f"name={name}", f"runs={runs}", f"seed={seed}", *COMMON, *own]
        config, zoo = (
            str(ROOT / "configs" / part) for part in (f"{data}.yaml", "attacks/zoo.yaml")
        )
        train_both([sys.executable, str(ROOT / "train.py"), config, *words])
        line = [sys.executable, str(ROOT / "audit.py"), config, zoo, *words]
        subprocess.run(line, check=True, cwd=ROOT, stdout=sys.stderr)
    return tables


def train_both(line: Sequence[str]) -> None:
    """Target and shadow side by side, as `make demo` trains them."""
    idle = os.environ | {"GOMP_SPINCOUNT": "0"}
    roles = ("target", "shadow")
    both = [
        subprocess.Popen([*line, f"role={role}"], cwd=ROOT, stdout=sys.stderr, env=idle)
        for role in roles
    ]
    failed = [role for role, each in zip(roles, both, strict=True) if each.wait() != 0]
    if failed:
        raise SystemExit(f"{' and '.join(failed)}: not trained; see above")


def percent(figure: Pooled) -> str:
    return interval(figure.over_records, percent=True)


def over_runs(figure: Pooled) -> str:
    """The interval over runs alone."""
    assert isinstance(figure.over_runs, Estimate)
    return bounds(figure.over_runs)


def table(rows: Mapping[str, Row]) -> str:
    head = (
        "| attack | queries | AUROC | runs | over runs | TPR at 10 % FPR, % | TPR at 1 % FPR, % |"
    )
    lines = [
        f"| `{name}` | {row.cost} | {interval(area.over_records)} | "
        f"{min(area.runs):.3f}–{max(area.runs):.3f} | {over_runs(area)} "
        f"| {percent(row.figures['tpr10'])} | {percent(row.figures['tpr1'])} |"
        for name, row in rows.items()
        for area in [row.figures["auroc"]]
    ]
    return "\n".join([head, "|---" * 7 + "|", *lines])


def best_at(rows: Mapping[str, Row]) -> str:
    """Who is best within a budget of queries, chosen by the shadows' AUROC and graded on the
    targets.
    """
    lines = [
        "| queries at most | best (chosen on shadow) | AUROC | TPR at 1 % FPR, % |",
        "|---" * 4 + "|",
    ]
    for budget in BUDGETS:
        name = max(
            (n for n, r in rows.items() if r.queries <= budget and not r.backward),
            key=lambda n: rows[n].shadow,
        )
        row, figures = rows[name], rows[name].figures
        lines.append(
            f"| {budget} | `{name}` ({row.queries}) | {interval(figures['auroc'].over_records)} | "
            f"{percent(figures['tpr1'])} |"
        )
    return "\n".join(lines)


def comparisons(bench: Bench) -> str:
    """Paired differences that answer this project's questions."""
    pairs = [
        ("clir_5", "clid_th"),
        ("clir_5", "clid_th_clip"),
        ("clir", "clid_th"),
        ("clir", "clid_th_clip"),
    ]
    lines = [
        "| A minus B | AUROC | over runs | TPR at 1 % FPR, percentage points | over runs |",
        "|---" * 5 + "|",
    ]
    for first, second in pairs:
        area, tpr = (bench.difference(first, second, s) for s in ("auroc", "tpr1"))
        assert isinstance(tpr.over_runs, Estimate)
        lines.append(
            f"| `{first}` − `{second}` | {interval(area.over_records)} | {over_runs(area)} "
            f"| {percent(tpr)} | {bounds(tpr.over_runs, percent=True)} |"
        )
    return "\n".join(lines)


def reference(bench: Bench) -> str:
    """What subtracting the base does to each attack, beside what the shadow's hold-outs say
    about the base's signal.
    """
    lines = [
        "| attack | ρ | spread, base / target | β | AUROC, `…_ref` minus plain | over runs |",
        "|---" * 6 + "|",
    ]
    for name, spec in bench.judgements[0].beside["reference"].about.attacks.items():
        found = [_kinship(judgement, spec.columns[0]) for judgement in bench.judgements]
        rho, ratio = (float(np.mean(values)) for values in zip(*found, strict=True))
        area = bench.difference(f"{name}_ref", name, "auroc")
        lines.append(
            f"| `{name}` | {rho:.2f} | {ratio:.2f} | {rho / ratio:.2f} "
            f"| {interval(area.over_records)} | {over_runs(area)} |"
        )
    return "\n".join(lines)


def _kinship(judgement: Judgement, column: str) -> tuple[float, float]:
    """Correlation of the two models' signals over the shadow's hold-outs, and the ratio of their
    spreads; β is the one over the other.

    Of several columns the first speaks: D_1 of CLiD, the still column of CLiR.
    """
    assert judgement.shadow is not None
    holdouts = ~judgement.shadow.member
    own = judgement.shadow.signals[column][holdouts]
    base = judgement.beside["reference_shadow"].signals[column][holdouts]
    return float(np.corrcoef(own, base)[0, 1]), float(base.std() / own.std())


def figure(rows: Mapping[str, Mapping[str, Row]]) -> str:
    """AUROC and TPR at 1 % FPR against queries, one column per data set; white-box attacks are
    left out.
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    shown = (("auroc", "AUROC", 0.5), ("tpr1", "TPR at 1 % FPR", 0.01))
    with matplotlib.rc_context(plots.STYLE):
        canvas = Canvas(figsize=(13, 9.2), layout="constrained")
        panels = canvas.subplots(len(shown), len(rows), sharey="row", squeeze=False)
        for line, (statistic, what, chance) in zip(panels, shown, strict=True):
            for axes, (data, found) in zip(line, rows.items(), strict=True):
                costs = {
                    n: (r.queries, r.figures[statistic].over_records)
                    for n, r in sorted(found.items())
                    if not r.backward
                }
                plots.queries_axes(axes, costs, f"{what}, mean of three seeds", chance)
                axes.set_title("critters" if data == "demo" else data)
                if axes is not panels[0, -1]:
                    axes.get_legend().remove()
                if axes is not line[0]:
                    axes.set_ylabel("")
        return plots.svg(canvas)


def as_json(rows: Mapping[str, Row]) -> dict[str, object]:
    return {name: row.as_json() for name, row in rows.items()}


def fill(text: str, marks: Mapping[str, str]) -> str:
    """Replace what stands between <!-- NAME --> and <!-- end --> in a document; the prose around
    it stays.
    """
    for name, content in marks.items():
        start = text.index(f"<!-- {name} -->") + len(f"<!-- {name} -->")
        end = text.index("<!-- end -->", start)
        text = f"{text[:start]}\n\n{content}\n\n{text[end:]}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fxemoji", required=True, help="folder of the 999 emoji drawings")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    arguments = parser.parse_args()
    rows: dict[str, Mapping[str, Row]] = {}
    marks: dict[str, str] = {}
    for data in ("demo", "fxemoji"):
        folders = [run(data, seed, arguments.fxemoji, arguments.runs) for seed in SEEDS]
        bench = Bench([judged(folder) for folder in folders])
        rows[data] = bench.rows()
        marks |= {
            f"{data} table": table(rows[data]),
            f"{data} best": best_at(rows[data]),
            f"{data} comparisons": comparisons(bench),
            f"{data} reference": reference(bench),
        }
    page = DOCS / "benchmark.md"
    page.write_text(fill(page.read_text(encoding="utf-8"), marks), encoding="utf-8")
    (DOCS / "benchmark-queries.svg").write_text(figure(rows), encoding="utf-8")
    plain = {data: as_json(found) for data, found in rows.items()}
    (DOCS / "benchmark.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    print(fill("".join(f"<!-- {name} --><!-- end -->\n" for name in marks), marks))


def judged(tables: Path) -> Judgement:
    target, others = load_tables(str(tables), None)
    return judge(target, others["shadow"], others.get("reference"), others.get("reference_shadow"))


if __name__ == "__main__":
    main()
