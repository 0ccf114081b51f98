"""How do other recipes behave on the demo? `python benchmarks/recipes.py [--seeds 11 12] [--recipes
NAME …]`.

Each recipe is the demo's, at a constant rate for 2,000 steps, with a few keys changed; each cell
trains a target and audits it without a shadow in runs/recipes-NAME-SEED (finished cells are kept).
Prints a markdown table of AUROCs with their 95 % intervals.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from attacks import LONG

ROOT = Path(__file__).parent.parent
RECIPES: dict[str, list[str]] = {
    "cross_attention": [],
    "attention": ["finetune.train=attention", "finetune.learning_rate=2e-3"],
    "unet": ["finetune.train=unet", "finetune.learning_rate=3e-4"],
    "lora": [
        "finetune.train=lora",
        "finetune.learning_rate=4e-3",
        "finetune.lora_rank=16",
        "finetune.lora_alpha=16",
    ],
    "caption_dropout": ["defenses=[caption_dropout]"],
    "half as long": ["trainer.max_steps=1000"],
}
SHOWN = ("loss", "monte_carlo", "clid_th_null", "clid_th_clip", "clid_th")


def cell(recipe: str, seed: int) -> dict[str, dict[str, float]]:
    """Train and audit one cell if need be; AUROC figures by attack."""
    name = f"recipes-{recipe.replace(' ', '-')}-{seed}"
    report = ROOT / "runs" / name / "report.json"
    if not report.is_file():
        attacks = f"attacks=[{','.join(SHOWN)}]"
        common = [f"name={name}", f"seed={seed}", "finetune.samples=0", attacks, *LONG]
        common += RECIPES[recipe]
        for script in ("train.py", "audit.py"):
            subprocess.run(
                [sys.executable, str(ROOT / script), *common],
                check=True,
                cwd=ROOT,
                stdout=sys.stderr,
            )
    return {a: r["auroc"] for a, r in json.loads(report.read_text())["attacks"].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11])
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    arguments = parser.parse_args()
    print(f"| recipe | seed | {' | '.join(SHOWN)} |", "|---" * (len(SHOWN) + 2) + "|", sep="\n")
    for recipe in arguments.recipes:
        for seed in arguments.seeds:
            figures = cell(recipe, seed)
            shown = [
                "{value:.2f} [{low:.2f}, {high:.2f}]".format(**figures[attack]) for attack in SHOWN
            ]
            print(f"| {recipe} | {seed} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
