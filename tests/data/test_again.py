"""The second look at data: what did not change is not decoded, what did is noticed."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from archived import image, shard, table_of
from folders import image_folder, load, options, picture
from PIL import Image

from lit_clid.data import decoding, scan, seen
from lit_clid.data.images import StoredImages
from lit_clid.data.split import Split, load_split
from lit_clid.errors import UserError


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files prove something as soon as they are written."""
    monkeypatch.setattr(seen, "SETTLED", 0.0)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it: from then on nothing may be decoded."""

    def refuse(file: io.BytesIO) -> None:
        raise AssertionError("decoded")

    return lambda: monkeypatch.setattr(scan, "read_image", refuse)


def shards_of(tmp_path: Path) -> dict[str, object]:
    files: dict[str, bytes | str] = {}
    for k in range(24):
        files |= {f"{k:03d}.png": image(k), f"{k:03d}.txt": f"picture number {k}"}
    return {"source": str(shard(tmp_path / "a.tar", files))}


def folder_of(tmp_path: Path) -> dict[str, object]:
    return {"path": str(image_folder(tmp_path / "images"))}


def opened(tmp_path: Path, **changes: object) -> Split:
    return load_split(options(tmp_path, **changes), 0, tmp_path / "run")


@pytest.mark.parametrize("make", [folder_of, shards_of, table_of])
def test_what_did_not_change_is_not_even_read(
    tmp_path: Path,
    make: Callable[[Path], dict[str, object]],
    undecoded: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changes = make(tmp_path)
    first = opened(tmp_path, **changes)
    undecoded()
    images = type(first.sources[0].open_image)
    assert issubclass(images, StoredImages)
    read: list[int] = []
    content = images.content

    def counted(self: StoredImages, row: int) -> bytes:
        read.append(row)
        return content(self, row)

    monkeypatch.setattr(images, "content", counted)
    assert opened(tmp_path, **changes).entries == first.entries
    assert not read
    again = opened(tmp_path, **changes, verify="content")
    assert again.fingerprint == first.fingerprint
    assert len(read) == len(first.entries)


def test_a_record_of_each_caption_is_not_decoded_either(
    tmp_path: Path, undecoded: Callable[[], None]
) -> None:
    folder = image_folder(tmp_path / "images", 24, "none")
    for k in range(24):
        (folder / f"{k:03d}.txt").write_text(f"picture number {k}\nthe {k}th")
    changes = {"path": str(folder), "several_captions": "each"}
    first = opened(tmp_path, **changes)
    undecoded()
    for verify in ("auto", "content"):
        assert opened(tmp_path, **changes, verify=verify).entries == first.entries


@pytest.mark.parametrize("verify", ["auto", "content"])
def test_another_time_alone_changes_nothing(
    tmp_path: Path, undecoded: Callable[[], None], verify: str
) -> None:
    folder = image_folder(tmp_path / "images")
    load(folder, tmp_path)
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    undecoded()
    load(folder, tmp_path, verify=verify)
    kept = json.loads((tmp_path / "run" / "split.seen.json").read_text())["rows"]
    assert any(" 1000000000 " in row[0] for row in kept.values())


def other_of_the_same_size(file: Path) -> None:
    """Another picture in as many bytes, at the same time of modification."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    fresh = io.BytesIO()
    picture(7, (20, 16)).save(fresh, "PNG", compress_level=0)
    picture(8, (20, 16)).save(file, "PNG", compress_level=0)
    assert len(fresh.getvalue()) == file.stat().st_size
    assert content != file.read_bytes()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], None]] = {
    "another": lambda file: picture(999).save(file),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:80]) and None,
    "emptied": lambda file: file.write_bytes(b"") and None,
    "replaced": lambda file: file.write_bytes(image(55)) and None,
    "a flipped bit": lambda file: file.write_bytes(file.read_bytes()[:-20] + bytes(20)) and None,
}


@pytest.mark.parametrize("verify", ["auto", "content"])
@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_noticed(tmp_path: Path, name: str, verify: str) -> None:
    folder = image_folder(tmp_path / "images")
    used = load(folder, tmp_path).entries[0].id
    CHANGES[name](folder / used)
    for _ in range(2):  # nothing is learnt from what was refused
        with pytest.raises(UserError, match=f"changed since the split was drawn: {used}; restore"):
            load(folder, tmp_path, verify=verify)


def test_the_same_size_and_time_of_modification_do_not_deceive(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    for k in range(24):
        picture(k).save(folder / f"{k:03d}.png", compress_level=0)
    used = load(folder, tmp_path).entries[0].id
    other_of_the_same_size(folder / used)
    with pytest.raises(UserError, match=f"changed since the split was drawn: {used}"):
        load(folder, tmp_path)


def test_young_files_prove_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A further change within the clock's tick would leave no trace."""
    monkeypatch.setattr(seen, "SETTLED", 3600.0)
    load(image_folder(tmp_path / "images"), tmp_path)
    kept = json.loads((tmp_path / "run" / "split.seen.json").read_text())["rows"]
    assert {row[0] for row in kept.values()} == {""}
    assert all(row[1] for row in kept.values())


def test_another_compression_of_the_same_pixels_is_the_same_image(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    used = folder / load(folder, tmp_path).entries[0].id
    Image.open(used).save(used, compress_level=1)
    load(folder, tmp_path)


def test_removed_and_added_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    first = load(folder, tmp_path)
    picture(60).save(folder / "new.png")
    (folder / "new.txt").write_text("came later")
    assert load(folder, tmp_path).entries == first.entries
    assert "1 records came after the split was drawn" in capsys.readouterr().out
    (folder / first.entries[0].id).unlink()
    with pytest.raises(UserError, match=f"gone from the data: {first.entries[0].id}"):
        load(folder, tmp_path)


def test_a_changed_shard_is_noticed(tmp_path: Path) -> None:
    changes = shards_of(tmp_path)
    used = opened(tmp_path, **changes).entries[0].id
    content = (tmp_path / "a.tar").read_bytes()
    old, new = image(int(used)), image(77)
    assert old in content
    (tmp_path / "a.tar").write_bytes(content.replace(old, new[: len(old)].ljust(len(old), b"\0")))
    with pytest.raises(UserError, match=f"changed since the split was drawn: {used}"):
        opened(tmp_path, **changes)


@pytest.mark.parametrize("held", ["", "{", "[]", '{"version": 0}', '{"rows": 3}', None])
def test_a_lost_or_broken_table_costs_a_look(tmp_path: Path, held: str | None) -> None:
    folder, table = image_folder(tmp_path / "images"), tmp_path / "run" / "split.seen.json"
    first = load(folder, tmp_path)
    table.unlink() if held is None else table.write_text(held)
    assert load(folder, tmp_path).entries == first.entries
    kept = json.loads(table.read_text())
    assert set(kept["rows"]) == {f"{k:03d}.png" for k in range(24)}
    used = first.entries[0].id
    picture(999).save(folder / used)
    with pytest.raises(UserError, match=f"changed since the split was drawn: {used}"):
        load(folder, tmp_path)


def test_what_decodes_is_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = image_folder(tmp_path / "images")
    load(folder, tmp_path)
    monkeypatch.setattr(seen, "FORM", {"version": 1, "decoder": "another"})
    decoded: list[bool] = []

    def read(file: io.BytesIO) -> decoding.Decoded:
        decoded.append(True)
        return decoding.read_image(file)

    monkeypatch.setattr(scan, "read_image", read)
    load(folder, tmp_path)
    assert len(decoded) == 16
    load(folder, tmp_path)
    assert len(decoded) == 16


def test_a_further_split_of_the_same_data_is_drawn_without_decoding(
    tmp_path: Path, undecoded: Callable[[], None]
) -> None:
    """As the cells of a grid draw them, in one process."""
    folder = image_folder(tmp_path / "images")
    first = load(folder, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "DECODED", {})
        alone = load_split(options(folder), 3, tmp_path / "alone")
    undecoded()
    other = load_split(options(folder), 3, tmp_path / "other")
    assert other.entries == alone.entries != first.entries
    picture(99).save(folder / "003.png")
    with pytest.raises(UserError, match=r"003\.png \(row 4\): image does not decode \(decoded\)"):
        load_split(options(folder), 3, tmp_path / "changed")
    with pytest.raises(UserError, match="24 rows cannot be used"):
        load_split(options(folder, verify="content"), 3, tmp_path / "content")


def test_a_table_of_another_manifest_is_not_believed(tmp_path: Path) -> None:
    folder, run = image_folder(tmp_path / "images"), tmp_path / "run"
    first = load(folder, tmp_path)
    used = first.entries[0]
    text = (run / "split.csv").read_text()
    (run / "split.csv").write_text(text.replace(used.image_hash, "0" * 32))
    with pytest.raises(UserError, match=f"changed since the split was drawn: {used.id}"):
        load(folder, tmp_path)
