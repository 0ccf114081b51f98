"""How long a folder takes to be looked at for the first time, again, and again by its bytes.

python benchmarks/second_look.py --records 20000 --side 512
"""

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.split import load_split


def write(folder: Path, records: int, side: int) -> None:
    """So many JPEGs of smooth colours, none like another, and their captions."""
    dice = np.random.default_rng(0)
    lines = []
    for k in range(records):
        colours = dice.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(colours).resize((side, side)).save(folder / f"{k}.jpg", quality=85)
        lines.append(json.dumps({"file_name": f"{k}.jpg", "text": f"picture number {k}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))


def look(folder: Path, run: Path, verify: str) -> float:
    """Seconds that it takes to open and check the data."""
    options = DataOptions(
        source="imagefolder", path=str(folder), members=None, nonmembers=None, verify=verify
    )
    start = time.perf_counter()
    load_split(options, 0, run)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=20000)
    parser.add_argument("--side", type=int, default=512)
    arguments = parser.parse_args()
    with TemporaryDirectory() as place:
        folder, run = Path(place) / "images", Path(place) / "run"
        folder.mkdir()
        write(folder, arguments.records, arguments.side)
        time.sleep(2.5)  # files that young prove nothing
        for name, verify in (("first", "auto"), ("again", "auto"), ("by bytes", "content")):
            print(f"{name}: {look(folder, run, verify):.1f} s", flush=True)


if __name__ == "__main__":
    main()
