"""Run the defense grids, and write what came of them into docs: `python benchmarks/defenses.py
[--fxemoji FOLDER]`.

What is finished is kept in runs/defenses and runs/defenses-fxemoji, so that a second call only
writes.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from pages import insert

from lit_clid.judging import pages, plots

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "defenses.md"
FIGURES = ("plane.svg", "heatmap.svg", "trajectory-none.svg")


def run(name: str, *words: str) -> Path:
    """Carry out a grid; the folder of its comparison."""
    command = [sys.executable, "-m", "lit_clid.experiment", *words, f"name={name}"]
    subprocess.run(command, check=True, cwd=ROOT)
    return ROOT / "runs" / name


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fxemoji", type=Path, help="folder of the emoji drawings")
    arguments = parser.parse_args()
    grids = {"demo": run("defenses", "configs/demo.yaml", "configs/experiments/defenses.yaml")}
    if arguments.fxemoji is not None:
        data = f"data.path={arguments.fxemoji.resolve()}"
        grids["fxemoji"] = run(
            "defenses-fxemoji", "configs/fxemoji.yaml", "configs/experiments/fxemoji.yaml", data
        )
    page = PAGE.read_text(encoding="utf-8")
    for name, folder in grids.items():
        page = insert(page, name, (folder / "comparison.md").read_text(encoding="utf-8"))
        for figure in FIGURES:
            if (folder / figure).is_file():
                text = (folder / figure).read_text(encoding="utf-8")
                if figure != "heatmap.svg":  # its colours carry meaning
                    text = pages.standalone(plots.themed(text))
                (PAGE.parent / f"defenses-{name}-{figure}").write_text(text, encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
