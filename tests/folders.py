"""Image folders on disk, written in milliseconds, and their splits."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.split import Split, load_split


def picture(seed: int, size: tuple[int, int] = (20, 16)) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    )


def image_folder(folder: Path, count: int = 24, metadata: str = "jsonl") -> Path:
    folder.mkdir(parents=True)
    rows = []
    for k in range(count):
        picture(k).save(folder / f"{k:03d}.png")
        rows.append({"file_name": f"{k:03d}.png", "text": f"picture number {k}"})
        if metadata == "txt":
            (folder / f"{k:03d}.txt").write_text(f"picture number {k}\n")
    if metadata == "jsonl":
        (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if metadata == "csv":
        (folder / "metadata.csv").write_text(
            "file_name,text\n" + "".join(f"{r['file_name']},{r['text']}\n" for r in rows)
        )
    return folder


def options(folder: Path, **changes: object) -> DataOptions:
    return DataOptions(
        **{"source": "imagefolder", "path": str(folder), "members": 4, "nonmembers": 4, **changes}
    )  # type: ignore[arg-type]


def rewrite(folder: Path, name: str, edit: Callable[[str], str]) -> None:
    (folder / name).write_text(edit((folder / name).read_text()))


def captions_of(split: Split) -> dict[str, str]:
    """id → caption of every record of both roles."""
    return dict(zip(split.entries.ids, split.captions(split.entries), strict=True))


def load(folder: Path, tmp_path: Path, seed: int = 0, **changes: object) -> Split:
    return load_split(options(folder, **changes), seed, tmp_path / "run")
