"""Samples of very many records: of every kind of source, by names alone, and nothing else is
opened or held.
"""

import csv
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from archived import image, shard
from folders import image_folder, options
from held import bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from lit_clid.config.options.data import DataOptions
from lit_clid.data import archives
from lit_clid.data.handed import handed
from lit_clid.data.keyed import Sample
from lit_clid.data.lots import Lots
from lit_clid.data.sources import open_source, open_sources
from lit_clid.data.split import load_split
from lit_clid.errors import UserError

KEPT = 9


def lowest(names: list[str], count: int) -> set[str]:
    """The same by sorting all of them."""
    return set(sorted(names, key=lambda n: blake2b(n.encode(), digest_size=16).digest())[:count])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_lots_are_the_lowest_hashes_in_their_order(names: list[str], count: int) -> None:
    lots = Lots(count, zip(names, range(len(names)), strict=True))
    assert {names[row] for row in lots.kept} == lowest(names, count)
    assert lots.kept == sorted(lots.kept) and lots.offered == len(names)
    mixed = random.Random(0).sample(names, len(names))
    again = Lots(count, zip(mixed, mixed, strict=True))
    assert set(again.kept) == lowest(names, count)


def test_every_record_is_as_likely_as_any_other() -> None:
    """Of a thousand worlds of forty names each, ten are drawn: every place as often, and every pair
    of neighbours as often as a simple random sample has it.
    """
    places, pairs = np.zeros(40), 0
    for world in range(1000):
        drawn = Lots(10, ((f"{world}/{k:02d}", k) for k in range(40))).kept
        places[drawn] += 1
        pairs += np.sum(np.diff(drawn) == 1)
    assert chisquare(places).pvalue > 1e-4
    assert pairs / 1000 == pytest.approx(39 * 10 * 9 / (40 * 39), abs=0.15)  # ± 3.5 of its errors


def as_folder(folder: Path) -> dict[str, Any]:
    return {"path": str(image_folder(folder / "data"))}


def as_texts(folder: Path) -> dict[str, Any]:
    return {"path": str(image_folder(folder / "data", metadata="txt"))}


def as_list(folder: Path) -> dict[str, Any]:
    image_folder(folder / "data", metadata="csv")
    with (folder / "data" / "list.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", "text"), *((f"{k:03d}.png", f"p {k}") for k in range(24))])
    return {"source": "list", "path": str(folder / "data" / "list.csv")}


def as_zip(folder: Path) -> dict[str, Any]:
    image_folder(folder / "data")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for file in (folder / "data").iterdir():
            archive.write(file, file.name)
    return {"path": str(folder / "a.zip")}


def as_shards(folder: Path) -> dict[str, Any]:
    (folder / "data").mkdir()
    for start in (0, 12):
        files: dict[str, bytes | str] = {}
        for k in range(start, start + 12):
            files |= {f"{k:03d}.png": image(k), f"{k:03d}.txt": f"picture number {k}"}
        shard(folder / "data" / f"{start:02d}.tar", files)
    return {"path": str(folder / "data" / "*.tar")}


def as_table(folder: Path) -> dict[str, Any]:
    rows: dict[str, list[Any]] = {"image": [{"bytes": image(k), "path": None} for k in range(24)]}
    rows["text"] = [f"picture number {k}" for k in range(24)]
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "a.parquet")
    return {"source": str(folder / "a.parquet")}


@pytest.fixture(params=[as_folder, as_texts, as_list, as_zip, as_shards, as_table])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Options of 24 records."""
    return request.param(tmp_path)


def test_a_sample_holds_what_the_whole_holds(told: dict[str, Any]) -> None:
    whole = open_source(options(Path(), **told))
    some = open_source(options(Path(), sample=KEPT, **told))
    assert len(some.ids) == KEPT and len(set(some.ids)) == KEPT
    for row, name in enumerate(some.ids):
        other = list(whole.ids).index(name)
        assert some.captions[row] == whole.captions[other]
        assert some.open_image(row).tobytes() == whole.open_image(other).tobytes()
        assert some.open_image.place(row) == whole.open_image.place(other)  # type: ignore[attr-defined]
    assert some.notes[-1].endswith(
        f": a sample of {KEPT} of 24 records, drawn by their names; copies of hold-outs among the "
        "others are not looked for"
    )
    for enough in (24, 25):
        all_of_them = open_source(options(Path(), sample=enough, **told))
        assert all_of_them.ids == whole.ids and all_of_them.notes == whole.notes


def test_a_split_of_a_sample_is_read_again(told: dict[str, Any], tmp_path: Path) -> None:
    asked = options(Path(), sample=17, **told)
    split = load_split(asked, 0, tmp_path / "run")
    assert len(split.places) == 17 and len(split.entries) == 16
    assert load_split(asked, 0, tmp_path / "run").fingerprint == split.fingerprint
    with pytest.raises(UserError, match="sample"):
        load_split(options(Path(), sample=18, **told), 0, tmp_path / "run")
    with pytest.raises(UserError, match="sample"):
        load_split(options(Path(), **told), 0, tmp_path / "run")
    other_seed = load_split(asked, 1, tmp_path / "other")
    assert set(other_seed.places.names) == set(split.places.names)


def test_who_is_not_drawn_is_not_looked_at(tmp_path: Path) -> None:
    """Neither its image, which is broken, nor its caption, which is empty."""
    folder = image_folder(tmp_path / "data", metadata="txt")
    drawn = open_source(options(folder, sample=17)).ids
    for file in folder.glob("*.png"):
        if file.name not in drawn:
            file.write_bytes(b"broken")
            file.with_suffix(".txt").write_text("")
    with pytest.raises(UserError, match="7 rows cannot be used"):
        load_split(options(folder), 0, tmp_path / "whole")
    assert len(load_split(options(folder, sample=17), 0, tmp_path / "run").entries) == 16


def test_texts_of_shards_are_read_of_the_drawn_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    content = Sample.content
    monkeypatch.setattr(
        Sample, "content", lambda own, ending: (read.add(own.key), content(own, ending))[1]
    )
    found = open_source(options(Path(), sample=KEPT, **as_shards(tmp_path)))
    assert read == set(found.ids)


def test_records_that_came_are_told_of(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "data", count=12, metadata="txt")
    asked = options(folder, sample=8, members=2, nonmembers=2)
    split = load_split(asked, 0, tmp_path / "run")
    image_folder(tmp_path / "more", count=200, metadata="txt")
    for file in (tmp_path / "more").iterdir():
        file.rename(folder / f"new-{file.name}")
    with pytest.raises(UserError, match=r"gone.*came or went make data\.sample another sample"):
        load_split(asked, 0, tmp_path / "run")
    for file in folder.glob("new-*"):
        file.unlink()
    assert load_split(asked, 0, tmp_path / "run").fingerprint == split.fingerprint


def test_every_source_is_sampled_and_handed_records_too(tmp_path: Path) -> None:
    members, others = (image_folder(tmp_path / name, count=30) for name in ("in", "out"))
    asked = options(members, sample=20, nonmember_path=str(others), suspects_path=str(members))
    assert [len(source.ids) for source in open_sources(asked).values()] == [20, 20, 20]
    pairs = [(str(members / f"{k:03d}.png"), f"picture {k}") for k in range(30)]
    with handed({"mine": pairs}):
        found = open_source(DataOptions(source="memory", path="mine", sample=20))
    assert len(found.ids) == 20 and found.captions[0].startswith("picture ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sample": 0}, r"data\.sample: 0 is not a positive number"),
        ({"sample": 5, "source": "critters", "path": None}, r"data\.sample: of the embedded crit"),
    ],
)
def test_what_cannot_be_sampled_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        open_sources(options(Path(), **changes))


def test_too_small_a_sample_is_refused(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "data")
    with pytest.raises(UserError, match="15 usable records, but the split asks for 16"):
        load_split(options(folder, sample=15), 0, tmp_path / "run")


@pytest.mark.slow
def test_memory_of_a_sample_does_not_grow_with_what_it_is_drawn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list of all records: a thousand more in ever more shards need a few bytes each, those of
    the names of their shards. An archive's own index is one shard's.
    """
    monkeypatch.setattr(archives, "counted", lambda items, *_: items)  # a bar's own memory
    sizes: list[np.ndarray] = []
    for count in (1024, 4096):
        (folder := tmp_path / str(count)).mkdir()
        for start in range(0, count, 128):
            files = {f"{k:07d}.png": b"" for k in range(start, start + 128)}
            shard(folder / f"{start:07d}.tar", files)  # type: ignore[arg-type]
        asked = DataOptions(source=f"{folder}/*.tar", caption_column="png", sample=64)
        opened: Callable[[], Any] = partial(open_source, asked)
        opened()
        sizes.append(np.minimum(bytes_of(opened), bytes_of(opened)))
    held, most = (sizes[1] - sizes[0]) / (4096 - 1024)
    assert held < 4 and most < 8, (held, most)
