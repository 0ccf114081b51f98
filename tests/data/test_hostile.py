"""Folders and lists that someone prepared: nothing waits, nothing is followed, one line each."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

import pytest
from folders import image_folder, load, options, picture
from PIL import Image

from lit_clid.data.sources import open_source, open_sources
from lit_clid.errors import UserError


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def bomb(file: Path) -> None:
    """A PNG that says it has 900 million pixels."""
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def test_a_table_that_unpacks_to_more_than_memory_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lit_clid.data import metadata

    folder = image_folder(tmp_path / "images", 16)
    for file in folder.glob("*.txt"):
        file.unlink()
    names = [file.name for file in sorted(folder.glob("*.png"))]
    file = folder / "metadata.parquet"
    pq.write_table(pa.table({"file_name": names, "text": names}), file)
    (folder / "metadata.jsonl").unlink(missing_ok=True)
    monkeypatch.setattr(metadata, "BYTES", 10**6)
    assert load(folder, tmp_path)
    told = ["x" * 10**5] * len(names)  # written once, unpacked sixteen times
    pq.write_table(pa.table({"file_name": names, "text": names, "told": told}), file)
    assert file.stat().st_size < 10**5
    with pytest.raises(UserError, match="unpacks to more than 1,000,000 bytes"):
        load(folder, tmp_path / "again")


def test_large_images_are_decoded_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from lit_clid.data import decoding

    at_once, most = [0], [0]
    upright = decoding.upright

    def slow(image: Image.Image) -> Image.Image:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        at_once[0] -= 1
        return upright(image)

    monkeypatch.setattr(decoding, "upright", slow)
    file = io.BytesIO()
    picture(0).save(file, format="PNG")
    for pixels, together in ((2**25, True), (1, False)):
        monkeypatch.setattr(decoding, "PIXELS", pixels)
        most[0] = 0
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(decoding.decode, [io.BytesIO(file.getvalue()) for _ in range(8)]))
        assert (most[0] > 1) is together


def postscript(file: Path) -> None:
    file.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")


def circle(file: Path) -> None:
    file.symlink_to(file)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "no plain file"),
        (lambda file: file.symlink_to("nowhere.png"), "no file"),
        (circle, "no file"),
        (bomb, r"Image size \(900000000 pixels\) exceeds"),
        (postscript, "no image in PNG, JPEG"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, make, message: str) -> None:  # type: ignore[no-untyped-def]
    folder = image_folder(tmp_path / "images", metadata="txt")
    make(folder / "z.png")
    (folder / "z.txt").write_text("a cat")
    with pytest.raises(UserError, match=rf"z\.png \(row 25\): image does not decode \({message}"):
        load(folder, tmp_path)
    assert len(load(folder, tmp_path, on_error="skip").skipped) == 1


def test_a_pipe_for_a_caption_is_not_waited_for(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"a\.txt: no plain file"):
        open_source(options(tmp_path))


@pytest.mark.parametrize("name", ["a" * 5000, "https://example.org/a.png", ".", "", "%00"])
def test_names_that_no_file_has_name_their_row(tmp_path: Path, name: str) -> None:
    (tmp_path / "list.csv").write_text(f"path,caption\n{name},a cat\n")
    with pytest.raises(UserError, match=r"list\.csv: no such image: row 1 \("):
        open_source(options(tmp_path / "list.csv"))


@pytest.mark.parametrize("name", ["..", "../a.png", "/etc/passwd", "in/../../a.png"])
def test_names_that_lead_outside_name_their_row_and_a_way(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "sub" / "list.csv").write_text(f"path,caption\n{name},a cat\n")
    wanted = r"list\.csv: row 1 \(.*\) lead outside the folder.*data\.root=FOLDER"
    with pytest.raises(UserError, match=wanted):
        open_source(options(tmp_path / "sub" / "list.csv"))


def test_a_linked_folder_leads_outside(tmp_path: Path) -> None:
    image_folder(tmp_path / "elsewhere")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "in").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "mine" / "list.csv").write_text("path,caption\nin/000.png,a cat\n")
    with pytest.raises(UserError, match="lead outside the folder"):
        open_source(options(tmp_path / "mine" / "list.csv"))


@pytest.mark.parametrize("key", ["nonmember_path", "suspects_path"])
def test_faults_of_further_sources_name_their_own_key(tmp_path: Path, key: str) -> None:
    told = options(image_folder(tmp_path / "images"), **{key: str(tmp_path / "nowhere")})
    with pytest.raises(UserError, match=rf"data\.{key}: no folder .*nowhere"):
        open_sources(told)
