"""What a source and a split of very many records hold of each."""

import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from archived import image, shard
from held import bytes_of
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.handed import handed
from lit_clid.data.module import CaptionedImages
from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import load_split

HELD, PEAK = 250, 700
"""Bytes of a record that may be held, and that may be needed at any time, its caption included."""

SHARD, ONE_PIXEL = 256, image(0)


def pixel(row: int) -> Image.Image:
    return Image.new("RGB", (1, 1), (row & 255, row >> 8 & 255, row >> 16))


def drawn(count: int, run: Path) -> CaptionedImages:
    """The records of a split of so many, drawn or read again."""
    given = DataOptions(source="memory", path="s", members=count // 4, nonmembers=count // 4)
    names, captions = map("{:07d}.png".format, range(count)), map("picture {}".format, range(count))
    source = Source("s", names, captions, pixel)  # type: ignore[arg-type]
    with handed({"s": source}):
        split = load_split(given, 0, run)
    data = CaptionedImages(split, given, "target", seed=0, side=8, batch_size=8)
    assert len(data.audited) == count // 2 and split.asked and len(data.expected) == count // 2
    return data


@pytest.mark.slow
def test_a_record_takes_little_memory(tmp_path: Path) -> None:
    """What does not depend on their number falls out of the difference."""
    few, many = 8192, 16384
    for _ in range(2):  # what is imported on the way
        drawn(64, tmp_path / "first")
    for _ in range(2):  # drawn, and read again
        sizes = [bytes_of(partial(drawn, k, tmp_path / str(k))) for k in (few, many)]
        held, most = (sizes[1] - sizes[0]) / (many - few)
        assert 0 < held < HELD and held < most < PEAK, (held, most)


def beside(rows: range) -> dict[str, bytes | str]:
    """Records of one pixel, each with a text and an object beside it."""
    files: dict[str, bytes | str] = {}
    for row in rows:
        files[f"{row:07d}.png"] = ONE_PIXEL
        files[f"{row:07d}.txt"] = f"picture {row}"
        files[f"{row:07d}.json"] = json.dumps({"key": f"{row}", "width": 1, "url": "u" * 60})
    return files


def as_shards(folder: Path, count: int) -> DataOptions:
    for start in range(0, count, SHARD):
        shard(folder / f"{start:07d}.tar", beside(range(start, start + SHARD)))
    return DataOptions(source=f"{folder}/*.tar")


def as_files(folder: Path, count: int) -> DataOptions:
    for name, content in beside(range(count)).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return DataOptions(source="imagefolder", path=str(folder))


def as_zip(folder: Path, count: int) -> DataOptions:
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for name, content in beside(range(count)).items():
            archive.writestr(name, content)
    return DataOptions(source=f"{folder}/all.zip")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "most_held", "most_needed"),
    [(as_shards, 130, 400), (as_files, 120, 1800), (as_zip, 150, 5500)],
)
def test_a_record_that_is_opened_takes_little(
    written: Callable[[Path, int], DataOptions],
    most_held: float,
    most_needed: float,
    tmp_path: Path,
) -> None:
    """Zip archives list all their files at once. The least of two: pathlib interns names, and the
    table of all that is interned grows by leaps.
    """
    few, many = 4 * SHARD, 8 * SHARD
    sizes: list[np.ndarray] = []
    for count in (few, many):
        (folder := tmp_path / str(count)).mkdir()
        opened = partial(open_source, written(folder, count))
        opened()  # what is imported on the way
        sizes.append(np.minimum(bytes_of(opened), bytes_of(opened)))
    held, most = (sizes[1] - sizes[0]) / (many - few)
    assert 0 < held < most_held and held < most < most_needed, (held, most)
