"""What img2dataset writes: shards with a table beside each, files with texts, or tables."""

import json
from pathlib import Path

import datasets
import pytest
from archived import image, shard
from folders import options, picture

from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import load_split
from lit_clid.errors import UserError

SHARDS, EACH = 2, 6


def described(shard: int, k: int) -> dict[str, object]:
    key, number = f"{shard:05d}{k:04d}", EACH * shard + k
    said = {"caption": f"picture number {number}", "url": f"https://example.org/{number}.png"}
    return {**said, "key": key, "status": "success", "width": 20, "member": number % 2 == 0}


def tables(folder: Path) -> None:
    """The .parquet and the statistics beside each shard; one download failed."""
    for k in range(SHARDS):
        rows = [described(k, n) for n in range(EACH)]
        rows.append({**described(k, EACH), "status": "failed_to_download"})
        datasets.Dataset.from_list(rows).to_parquet(folder / f"{k:05d}.parquet")
        (folder / f"{k:05d}_stats.json").write_text(json.dumps({"count": EACH + 1}))


def webdataset(folder: Path, texts: bool = True) -> Path:
    folder.mkdir()
    for k in range(SHARDS):
        files: dict[str, bytes | str] = {}
        for n in range(EACH):
            row = described(k, n)
            files[f"{row['key']}.jpg"] = image(EACH * k + n, "JPEG")
            files[f"{row['key']}.json"] = json.dumps(row)
            if texts:
                files[f"{row['key']}.txt"] = str(row["caption"])
        shard(folder / f"{k:05d}.tar", files)
    tables(folder)
    return folder


def files(folder: Path, texts: bool = True) -> Path:
    for k in range(SHARDS):
        (folder / f"{k:05d}").mkdir(parents=True)
        for n in range(EACH):
            row, stem = described(k, n), folder / f"{k:05d}" / str(described(k, n)["key"])
            stem.with_suffix(".jpg").write_bytes(image(EACH * k + n, "JPEG"))
            stem.with_suffix(".json").write_text(json.dumps(row))
            if texts:
                stem.with_suffix(".txt").write_text(str(row["caption"]))
    tables(folder)
    return folder


def parquet(folder: Path, texts: bool = True) -> Path:
    folder.mkdir()
    for k in range(SHARDS):
        rows = [{**described(k, n), "jpg": image(EACH * k + n, "JPEG")} for n in range(EACH)]
        datasets.Dataset.from_list(rows).to_parquet(folder / f"{k:05d}.parquet")
        (folder / f"{k:05d}_stats.json").write_text("{}")
    return folder


def opened(folder: Path, **changes: object) -> Source:
    return open_source(options(folder, **changes))


@pytest.mark.parametrize("texts", [True, False])
@pytest.mark.parametrize("make", [webdataset, files, parquet])
def test_every_layout_is_read_from_its_folder(tmp_path: Path, make: object, texts: bool) -> None:
    source = opened(make(tmp_path / "laion", texts))  # type: ignore[operator]
    assert source.captions == tuple(f"picture number {k}" for k in range(SHARDS * EACH))
    assert source.member == tuple(k % 2 == 0 for k in range(SHARDS * EACH))
    assert source.open_image(7).size == picture(7).size
    assert not source.left_out


@pytest.mark.parametrize("make", [webdataset, files, parquet])
def test_a_split_of_a_layout_is_read_again(tmp_path: Path, make: object) -> None:
    folder = make(tmp_path / "laion")  # type: ignore[operator]
    told = options(folder, members=2, nonmembers=2, member_column=None)
    first = load_split(told, 0, tmp_path / "run")
    assert load_split(told, 0, tmp_path / "run").fingerprint == first.fingerprint


def test_a_json_beside_an_image_may_be_something_else(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a cat")
    (tmp_path / "a.json").write_text("[1, 2]")
    assert opened(tmp_path).captions == ("a cat",)
    assert opened(tmp_path).member is None
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json is not valid JSON"):
        opened(tmp_path)


def test_the_text_counts_before_the_object(tmp_path: Path) -> None:
    for k in range(2):
        picture(k).save(tmp_path / f"{k}.png")
        (tmp_path / f"{k}.json").write_text(json.dumps({"caption": ["of the object", "more"]}))
    (tmp_path / "0.txt").write_text("of the text")
    assert opened(tmp_path).captions == ("of the text", "of the object")
    assert opened(tmp_path).others == ((), ("more",))


def test_a_folder_of_nothing_names_what_it_could_hold(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("")
    with pytest.raises(UserError, match=r"no images \(\.png.*; give the folder that holds them"):
        opened(tmp_path)
