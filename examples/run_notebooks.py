"""Run the notebooks as scripts, each in a folder of its own, and say how long each took:
`python examples/run_notebooks.py FOLDER`, with whatever lit-clid is installed.
"""

import json
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    place = Path(sys.argv[1])
    for file in sorted((Path(__file__).parent / "notebooks").glob("*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        folder = place / file.stem
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / "cells.py"
        script.write_text("\n\n".join(code), encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True)
        if done.returncode:
            sys.exit(f"{file.stem}: ended with {done.returncode}\n{done.stderr.decode()}")
        print(f"{file.stem}: {len(code)} cells, {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
