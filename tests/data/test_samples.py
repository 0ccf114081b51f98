"""Samples of every kind of source: of names alone, with all that the drawn records hold, and
nothing of the others.
"""

import csv
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archived import image, shard, table_of
from folders import image_folder, options, picture

from lit_clid.config.options.data import DataOptions
from lit_clid.data.handed import handed
from lit_clid.data.keyed import Sample
from lit_clid.data.lots import samples
from lit_clid.data.several import several as several_captions
from lit_clid.data.sources import open_source, open_sources
from lit_clid.data.split import load_split
from lit_clid.errors import UserError

KEPT = 9


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


@pytest.fixture(params=[as_folder, as_texts, as_list, as_zip, as_shards, table_of])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    return request.param(tmp_path)


def test_a_sample_holds_what_the_whole_holds(told: dict[str, Any]) -> None:
    whole = open_source(options(Path(), **told))
    some = open_source(options(Path(), sample=KEPT, **told))
    assert len(some.ids) == KEPT and len(set(some.ids)) == KEPT
    for row, name in enumerate(some.ids):
        other = list(whole.ids).index(name)
        assert some.captions[row] == whole.captions[other] and some.number(row) == other
        assert some.open_image(row).tobytes() == whole.open_image(other).tobytes()
        assert some.open_image.place(row) == whole.open_image.place(other)  # type: ignore[attr-defined]
    assert some.of == 24 and some.notes[-1].endswith(
        f": a sample of {KEPT} of 24 records, drawn by their names; the others are not compared "
        "with any"
    )
    for enough in (24, 25):
        all_of_them = open_source(options(Path(), sample=enough, **told))
        assert all_of_them.ids == whole.ids and all_of_them.notes == whole.notes
        assert all_of_them.of is None and all_of_them.rows is None


def test_a_split_of_a_sample_is_read_again(told: dict[str, Any], tmp_path: Path) -> None:
    asked = options(Path(), sample=17, **told)
    split = load_split(asked, 0, tmp_path / "run")
    assert len(split.places) == 17 and len(split.entries) == 16
    assert load_split(asked, 0, tmp_path / "run").fingerprint == split.fingerprint
    assert all("#" in entry.where for entry in split.entries)
    for other in (18, None):
        with pytest.raises(UserError, match=rf"\(sample is {other} now and was 17\)"):
            load_split(options(Path(), sample=other, **told), 0, tmp_path / "run")
    other_seed = load_split(asked, 1, tmp_path / "other")
    assert set(other_seed.places.names) == set(split.places.names)


def test_splits_from_before_there_were_samples_are_read(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "data")
    split = load_split(options(folder), 0, tmp_path / "run")
    header = json.loads((tmp_path / "run" / "split.json").read_text())
    del header["data"]["sample"]
    (tmp_path / "run" / "split.json").write_text(json.dumps(header))
    assert load_split(options(folder), 0, tmp_path / "run").fingerprint == split.fingerprint


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
    with pytest.raises(UserError, match=r"the sample that data\.sample draws.*remove those that c"):
        load_split(asked, 0, tmp_path / "run")
    for file in folder.glob("new-*"):
        file.unlink()
    assert load_split(asked, 0, tmp_path / "run").fingerprint == split.fingerprint


def test_every_source_is_sampled_and_handed_records_too(tmp_path: Path) -> None:
    members, others = (image_folder(tmp_path / name, count=30) for name in ("in", "out"))
    asked = options(members, sample=20, nonmember_path=str(others), suspects_path=str(members))
    found = open_sources(asked)
    assert [len(source.ids) for source in found.values()] == [20, 20, 30]  # suspects want answers
    counts = {"drawn": 20, "of": 30}
    assert samples(found.values()) == {"source": counts, "nonmember_source": counts}
    assert samples(open_sources(options(members)).values()) is None
    pairs = [(str(members / f"{k:03d}.png"), f"picture {k}") for k in range(30)]
    with handed({"mine": pairs}):
        handed_over = open_source(DataOptions(source="memory", path="mine", sample=20))
    assert len(handed_over.ids) == 20
    for row, caption in enumerate(handed_over.captions):
        assert caption == f"picture {handed_over.number(row)}"


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
    with pytest.raises(UserError, match=r"15 usable records, but .* 16 .*; or raise data\.sample"):
        load_split(options(folder, sample=15), 0, tmp_path / "run")


def test_faults_name_the_row_that_it_is(tmp_path: Path) -> None:
    told = as_list(tmp_path)
    (tmp_path / "data" / "022.png").write_bytes(b"broken")
    drawn = open_source(options(Path(), sample=23, **told)).ids
    assert "022.png" in drawn and drawn != open_source(options(Path(), **told)).ids[:23]
    with pytest.raises(UserError, match=r"022\.png \(row 23\)"):
        load_split(options(Path(), sample=23, **told), 0, tmp_path / "run")


@pytest.mark.parametrize("several", ["first", "average", "each"])
def test_columns_are_of_the_drawn(tmp_path: Path, several: str) -> None:
    folder = image_folder(tmp_path / "data", metadata="none")
    lines: list[str] = []
    for k in range(24):
        texts = [f"picture {k}", f"another of {k}"]
        row = {"file_name": f"{k:03d}.png", "text": texts, "member": k % 2, "artist": f"a{k}"}
        lines.append(json.dumps(row))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    asked = options(folder, sample=KEPT, group_column="artist", several_captions=several)
    found = several_captions(open_sources(asked), asked)["first"]
    assert samples([found]) == {"source": {"drawn": KEPT, "of": 24}}
    for row, name in enumerate(found.ids):
        k = int(name[:3])
        assert found.member is not None and found.member[row] == k % 2
        assert found.groups is not None and found.groups[row] == f"a{k}"
        assert found.captions[row] in (f"picture {k}", f"another of {k}")
        if several == "average":
            assert found.wordings(row) == (f"picture {k}", f"another of {k}")
        assert pickle.loads(pickle.dumps(found.open_image))(row).tobytes() == picture(k).tobytes()
