"""Zip archives are folders that nothing is unpacked of, and nothing in them is believed."""

import io
import json
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from archived import image
from folders import options, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import load_split
from lit_clid.data.zipped import read_zip
from lit_clid.errors import UserError

Files = dict[str, bytes | str]


def packed(file: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


def opened(file: object, **changes: object) -> Source:
    return open_source(options(Path(str(file)), **changes))


def beside(count: int = 24) -> Files:
    files: Files = {}
    for k in range(count):
        files |= {f"all/{k:03d}.png": image(k), f"all/{k:03d}.txt": f"picture number {k}"}
    return files


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_a_folder(tmp_path: Path, method: int) -> None:
    source = opened(packed(tmp_path / "a.zip", beside(), method))
    assert source.ids == tuple(f"all/{k:03d}.png" for k in range(24))
    assert source.captions[7] == "picture number 7"
    assert source.open_image(7).tobytes() == picture(7).tobytes()
    by_pattern = open_source(options(Path(), source=str(tmp_path / "*.zip"), path=None))
    assert by_pattern.ids == source.ids


def test_a_zip_may_hold_metadata(tmp_path: Path) -> None:
    rows = [{"file_name": f"x\\{k}.png", "text": f"picture {k}", "member": k < 2} for k in range(4)]
    lines = "\n".join(map(json.dumps, rows))
    files: Files = {f"sub/x/{k}.png": image(k) for k in range(5)}
    source = opened(packed(tmp_path / "a.zip", {"sub/metadata.jsonl": lines, **files}))
    assert source.ids == tuple(f"sub/x/{k}.png" for k in range(4))
    assert source.member == (True, True, False, False)
    assert source.unlisted == ("sub/x/4.png",)


def test_several_zips_are_one_source(tmp_path: Path) -> None:
    for k in range(2):
        packed(tmp_path / f"{k}.zip", {"a.png": image(k), "a.txt": f"picture {k}"})
    source = opened(tmp_path / "*.zip")
    assert source.ids == ("0.zip/a.png", "1.zip/a.png")
    assert source.open_image(1).tobytes() == picture(1).tobytes()


def test_a_split_of_a_zip_notices_changes(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", beside())
    split = load_split(options(file), 0, tmp_path / "run")
    assert load_split(options(file), 0, tmp_path / "run").fingerprint == split.fingerprint
    packed(file, {**beside(), split.entries[0].id: image(99)})
    with pytest.raises(UserError, match=f"changed since.*: {split.entries[0].id}"):
        load_split(options(file), 0, tmp_path / "run")


def test_names_that_lead_outside_and_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(image(5))
    files: Files = {"a.png": image(0), "a.txt": "a cat"}
    for name in ("../secret", "/etc/secret", "..\\secret", "b/../../secret"):
        files |= {f"{name}.png": image(5), f"{name}.txt": "stolen"}
    file = packed(tmp_path / "a.zip", files)
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "../secret.png")
        archive.writestr("link.txt", "followed")
        archive.writestr("__MACOSX/._a.png", b"x")
    source = opened(file)
    assert source.ids == ("a.png",)
    told = " | ".join(source.left_out)
    assert told.count("leads outside the archive") == 8
    assert "link.png: a link" in told


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "b/../../secret.png"])
def test_metadata_cannot_lead_out_of_a_zip(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.png").write_bytes(image(5))
    row = json.dumps({"file_name": name, "text": "stolen"})
    file = packed(tmp_path / "a.zip", {"a.png": image(0), "metadata.jsonl": row})
    with pytest.raises(UserError, match="lead outside the folder and are not followed"):
        opened(file)


def altered(file: Path, at: int, value: bytes) -> Path:
    """The archive with bytes of its first entry in the central directory replaced."""
    content = bytearray(file.read_bytes())
    start = content.index(b"PK\1\2") + at
    content[start : start + len(value)] = value
    file.write_bytes(bytes(content))
    return file


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (8, b"\x01\x00", r"encrypted \(a\.png\); unpack it"),
        (10, b"\x0e\x00", "method that is not read"),
        (24, struct.pack("<I", 3 * 2**30), "would unpack to far more"),
        (24, struct.pack("<I", 2**27), "would unpack to far more"),
        (20, struct.pack("<I", 2**31), "overlap in it, or lie beyond its end"),
    ],
)
def test_what_may_not_be_read_is_one_line(
    tmp_path: Path, at: int, value: bytes, message: str
) -> None:
    file = packed(tmp_path / "a.zip", {"a.png": image(0), "a.txt": "a cat"})
    with pytest.raises(UserError, match=message):
        opened(altered(file, at, value))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", {"a.png": bytes(2**26 + 1), "a.txt": "a cat"})
    assert file.stat().st_size < 2**17
    with pytest.raises(UserError, match=r"a\.png would unpack to far more"):
        opened(file)


@pytest.mark.parametrize(("at", "value"), [(24, b"\x01\x00\x00\x00"), (16, b"\x00\x00\x00\x00")])
def test_a_lying_directory_is_a_damaged_image(tmp_path: Path, at: int, value: bytes) -> None:
    """A wrong size, or a wrong sum: no more is unpacked than was promised."""
    source = opened(
        altered(packed(tmp_path / "a.zip", {"a.png": image(0), "a.txt": "a"}), at, value)
    )
    with pytest.raises(ValueError, match="damaged in its archive"):
        source.open_image(0)


def test_a_damaged_text_is_one_line(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", {"a.txt": "a cat", "a.png": image(0)})
    with pytest.raises(UserError, match=r"a\.zip/a\.txt: damaged in its archive"):
        opened(altered(file, 16, bytes(4)))


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 9])
def test_no_archive_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.zip: not a zip archive"):
        opened(tmp_path / "a.zip")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    file = packed(tmp_path / "a.zip", {"a.png": image(0)})
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.png", image(1))
    with pytest.raises(UserError, match=r"a\.png is in it twice"):
        opened(file)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_an_image_fault_or_one_line(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        file = packed(Path(folder) / "a.zip", {"a.png": image(0), "a.txt": "a cat"})
        content = bytearray(file.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        file.write_bytes(bytes(content))
        with suppress(UserError, ValueError):
            for part in read_zip(file).parts.values():
                part.read()


def test_names_of_macos_are_utf8(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("été.png", image(0)), ("été.txt", "a summer")):
            archive.writestr(name, content)
    held = file.getvalue().replace(b"\x14\x00\x00\x08", bytes([20, 0, 0, 0]))  # its flag
    (tmp_path / "a.zip").write_bytes(held)
    assert opened(tmp_path / "a.zip").ids == ("été.png",)
