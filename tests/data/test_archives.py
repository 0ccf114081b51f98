"""Webdataset shards: any mixture of images, captions wherever they may stand, names literally."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from archived import image, shard
from folders import options, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError


def opened(file: object, **changes: object) -> Source:
    return open_source(options(Path(), source=str(file), path=None, **changes))


def test_images_of_several_formats_stand_side_by_side(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {}
    for k, kind in enumerate(["PNG", "JPEG", "WEBP", "PNG"]):
        files[f"{k:03d}.{kind}"] = image(k, kind)
        files[f"{k:03d}.txt"] = f"picture number {k}"
    source = opened(shard(tmp_path / "a.tar", files))
    assert source.ids == ("000", "001", "002", "003")
    assert source.captions == tuple(f"picture number {k}" for k in range(4))
    assert source.open_image(3).tobytes() == picture(3).tobytes()
    assert source.open_image(1).size == (20, 16)


@pytest.mark.parametrize(
    "beside",
    [
        {"txt": " a cat\n"},
        {"caption": "a cat"},
        {"text": "a cat"},
        {"json": json.dumps({"caption": "a cat", "width": 3})},
        {"json": json.dumps({"text": ["a cat", "a second"]})},
        {"txt": "a cat", "json": json.dumps({"caption": "another"})},
        {"txt": "a cat", "json": "[[1, 2, 3]]"},
        {"txt": "a cat", "caption": "a cat"},
        {"txt": "", "json": json.dumps({"caption": None, "text": "a cat"})},
        {"txt": "a cat".encode("utf-16")},
        {"TXT": "a cat"},
        {"txt": "\ufeff\n a cat\r\na tabby"},
        {"cls": b"\xff\x00", "npy": b"\xff", "txt": "a cat"},
    ],
)
def test_captions_stand_in_any_of_the_usual_places(tmp_path: Path, beside: dict) -> None:
    files = {f"part/a.{ending}": content for ending, content in beside.items()}
    source = opened(shard(tmp_path / "a.tar", {"part/a.jpg": image(0, "JPEG"), **files}))
    assert source.captions == ("a cat",)
    assert source.ids == ("part/a",)


def test_further_lines_are_further_captions(tmp_path: Path) -> None:
    source = opened(shard(tmp_path / "a.tar", {"a.png": image(0), "a.txt": "a cat\na tabby"}))
    assert source.others == (("a tabby",),)
    assert "1 caption files hold several lines" in source.notes[0]


def test_captions_may_stand_elsewhere_in_every_record(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"{name}.png": image(0) for name in "abcde"}
    files |= {"a.txt": "one", "b.caption": "two", "c.json": json.dumps({"caption": "three"})}
    files |= {"d.json": json.dumps({"text": "four"})}
    assert opened(shard(tmp_path / "a.tar", files)).captions == ("one", "two", "three", "four", "")
    named = opened(tmp_path / "a.tar", caption_column="txt")
    assert named.captions == ("one", "", "", "", "")


def test_columns_may_be_files_of_text(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"a.png": image(0), "b.png": image(1)}
    files |= {"a.txt": "a cat", "b.txt": "a dog", "a.member": "1\n", "b.member": "0"}
    files |= {"a.w": "[1, 2]", "b.w": "[0.5, 3]"}
    source = opened(shard(tmp_path / "a.tar", files), importance_column="w")
    assert source.member == (True, False)
    assert source.importance == ((1.0, 2.0), (0.5, 3.0))


def test_links_within_an_archive_are_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in (("d/a.png", image(3)), ("d/a.txt", b"a cat")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, kind, target in (
            ("d/b.png", tarfile.LNKTYPE, "d/a.png"),
            ("d/b.txt", tarfile.SYMTYPE, "a.txt"),
            ("d/c.png", tarfile.SYMTYPE, "/etc/passwd"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    source = opened(tmp_path / "a.tar")
    assert source.ids == ("d/a", "d/b")
    assert source.captions == ("a cat", "a cat")
    assert source.open_image(1).tobytes() == picture(3).tobytes()


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ({"GNU.sparse.map": "x", "GNU.sparse.size": "1"}, 0),
        ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, 0),
        ({}, 2**80),  # of a long name
    ],
)
def test_hostile_headers_are_one_line(headers: dict[str, str], size: int, tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.png")
    info.pax_headers = headers
    if size:
        info.name, info.type, info.size = "././@LongLink", tarfile.GNUTYPE_LONGNAME, size
    kind = tarfile.GNU_FORMAT if size else tarfile.PAX_FORMAT
    (tmp_path / "a.tar").write_bytes(info.tobuf(kind) + bytes(20 * 512))
    with pytest.raises(UserError, match=r"a\.tar: not a tar archive \("):
        opened(tmp_path / "a.tar")


def test_the_keys_of_json_are_columns(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {}
    for k in range(3):
        files[f"{k}.png"] = image(k)
        row = {"caption": f"{k}", "member": k % 2, "others": ["x", f"y{k}"]}
        files[f"{k}.json"] = json.dumps(row)
    source = opened(shard(tmp_path / "a.tar", files), rephrasings_column="others")
    assert source.captions == ("0", "1", "2")
    assert source.member == (False, True, False)
    assert source.others == (("x", "y0"), ("x", "y1"), ("x", "y2"))


def test_files_of_one_record_need_not_be_neighbours(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"{k}.png": image(k) for k in range(3)}
    files |= {f"{k}.txt": f"text {k}" for k in reversed(range(3))}
    assert opened(shard(tmp_path / "a.tar", files)).captions == ("text 0", "text 1", "text 2")


def test_records_of_two_shards_may_have_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        shard(tmp_path / f"{name}.tar", {"0.png": image(0), "0.txt": name})
    source = opened(tmp_path / "*.tar")
    assert source.captions == ("a", "b")
    assert source.ids == ("0#0", "0#1")


def test_what_is_no_record_is_said(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"a.png": image(0), "a.txt": "a cat", "b.txt": "alone"}
    files |= {"c.psd": b"x", "c.txt": "a dog", "._a.png": b"x", ".hidden/d.txt": "x"}
    files |= {"v0.5.png": b"x", "v0.5.txt": "x", "../up/e.png": image(1), "../up/e.txt": "up"}
    source = opened(shard(tmp_path / "a.tar", files))
    assert source.ids == ("a", "../up/e")
    assert source.left_out[:2] == (
        "b: a text without an image",
        "c: images of this format are not read",
    )
    assert "v0: a name with a further dot (5.png, 5.txt of one record)" in source.left_out[2]


@pytest.mark.parametrize("name", ["set [1]", "x::y", "a?b", "st*r"])
def test_names_are_taken_literally(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    files: dict[str, bytes | str] = {"é ü [2].png": image(0), "é ü [2].txt": "x"}
    source = opened(shard(tmp_path / name / "a.tar", files))
    assert source.ids == ("é ü [2]",)


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", encoding="latin-1") as archive:
        for ending, content in (("png", image(0)), ("txt", b"a cat")):
            info = tarfile.TarInfo(f"caf\xe9.{ending}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    source = opened(tmp_path / "a.tar")
    assert source.captions == ("a cat",)
    source.ids[0].encode()


@pytest.mark.parametrize(
    ("files", "changes", "message"),
    [
        ({"a.png": b"x", "a.jpg": b"x"}, {}, r"a: several images \(png, jpg\)"),
        ({"a.txt": "x"}, {}, "no images"),
        ({"a.png": b"x", "a.txt": "x"}, {"image_column": "tif"}, "no image column 'tif'"),
        ({"a.png": b"x", "a.cls": "1"}, {}, r"no caption column \(found: png, cls\)"),
        ({"a.png": b"x", "a.txt": "x", "a.caption": "y"}, {}, "different captions; keep one"),
        ({"a.png": b"x", "a.json": "{"}, {}, "a.json is not valid JSON"),
        ({"a.png": b"x", "a.txt": b"\xff"}, {}, r"a.txt: .*no UTF-8"),
        ({"a.png": b"x", "a.json": b"\xff"}, {}, r"a.json: .*no UTF-8"),
        ({"a.png": b"x", "a.PNG": b"x"}, {}, "a.PNG is in it twice"),
    ],
)
def test_broken_records_are_named(tmp_path: Path, files: dict, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        opened(shard(tmp_path / "a.tar", files), **changes)


def test_an_image_can_be_chosen_among_several(tmp_path: Path) -> None:
    files = {"a.png": image(0), "a.mask.png": image(1), "a.jpg": image(2, "JPEG"), "a.txt": "x"}
    file = shard(tmp_path / "a.tar", files)
    source = opened(file, image_column="mask.png")
    assert source.open_image(0).tobytes() == picture(1).tobytes()


def test_broken_archives_are_named(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {f"{k}.txt": "x" for k in range(4)}
    whole = shard(tmp_path / "a.tar", {**files, "a.png": image(0)}).read_bytes()
    (tmp_path / "a.tar").write_bytes(whole + whole)
    with pytest.raises(UserError, match="several archives in one file"):
        opened(tmp_path / "a.tar")
    damaged = bytearray(whole)
    damaged[1024:1100] = b"x" * 76
    (tmp_path / "a.tar").write_bytes(damaged)
    with pytest.raises(UserError, match="what follows byte 1024 cannot be read"):
        opened(tmp_path / "a.tar")
    import gzip

    (tmp_path / "a.tar").write_bytes(gzip.compress(whole))
    with pytest.raises(UserError, match=r"not a tar archive.*compressed"):
        opened(tmp_path / "a.tar")


names = st.text(
    st.characters(exclude_characters="/.\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(names, st.text(min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_any_name_and_text_comes_back(tmp_path: Path, records: dict[str, str]) -> None:
    files: dict[str, bytes | str] = {}
    for name, text in records.items():
        files |= {f"{name}.png": image(0), f"{name}.json": json.dumps({"caption": text})}
    source = opened(shard(tmp_path / "a.tar", files))
    assert source.ids == tuple(records)
    assert source.captions == tuple(text.strip() for text in records.values())
