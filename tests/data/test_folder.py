"""Folders: names are taken literally, and nothing is left out in silence."""

import io
import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from folders import image_folder, load, options, picture

from lit_clid.data.decoding import IMAGE_ENDINGS
from lit_clid.data.sources import Source, open_source
from lit_clid.errors import UserError

NAMES = ["[12]", "a?b", "*", "x::y", "a b#1", "%20", "{a}", "~", "été", "a=b", "-x"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metadata", ["jsonl", "csv", "txt"])
def test_names_are_taken_literally(tmp_path: Path, name: str, metadata: str) -> None:
    image_folder(tmp_path / "1")  # what "[12]" would match as a pattern
    folder = image_folder(tmp_path / name / name, metadata=metadata)
    found = open_source(options(tmp_path / name))
    assert set(found.ids) == {f"{name}/{k:03d}.png" for k in range(24)}
    row = found.ids.index(f"{name}/007.png")
    assert found.captions[row] == "picture number 7"
    assert found.open_image(row).tobytes() == picture(7).tobytes()
    assert len(open_source(options(folder)).ids) == 24


@pytest.mark.parametrize("name", [*NAMES, "a\\b"])
def test_files_are_taken_literally(tmp_path: Path, name: str) -> None:
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": f"{name}.png", "text": "a"}))
    picture(3).save(tmp_path / f"{name}.png")
    found = open_source(options(tmp_path))
    assert found.ids == (f"{name}.png",)
    assert found.open_image(0).tobytes() == picture(3).tobytes()


def test_names_that_are_not_utf8_can_be_split(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    raw = str(folder).encode() + b"/\xff\xfe"
    Path((raw + b".png").decode("utf-8", "surrogateescape")).write_bytes(
        (folder / "000.png").read_bytes()
    )
    Path((raw + b".txt").decode("utf-8", "surrogateescape")).write_text("picture number x")
    (folder / "000.png").unlink()
    (folder / "000.txt").unlink()
    split = load(folder, tmp_path, members=6, nonmembers=6)
    assert len(split.entries) == 24
    assert "\\udcff\\udcfe.png" in {entry.id for entry in split.entries}
    again = load(folder, tmp_path, members=6, nonmembers=6)
    assert again.fingerprint == split.fingerprint


@pytest.mark.parametrize("key", ["member_column", "importance_column", "rephrasings_column"])
def test_a_column_that_no_object_beside_the_images_has_is_refused(tmp_path: Path, key: str) -> None:
    """Texts alone say no columns: the records would be dealt at random, as if nothing were told."""
    folder = image_folder(tmp_path / "data", metadata="txt")
    with pytest.raises(UserError, match=rf"{key}.* no column 'used' \(found: nothing\)"):
        open_source(replace(options(folder), **{key: "used"}))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_may_be_composed_otherwise_on_the_disk(tmp_path: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    name = "caf\u00e9.png"
    picture(1).save(tmp_path / unicodedata.normalize(form, name))  # type: ignore[arg-type]
    row = {"file_name": unicodedata.normalize(other, name), "text": "a"}  # type: ignore[arg-type]
    (tmp_path / "metadata.jsonl").write_text(json.dumps(row))
    assert open_source(options(tmp_path)).open_image(0).tobytes() == picture(1).tobytes()


def test_backslashes_of_another_system_are_slashes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    picture(1).save(tmp_path / "sub" / "a.png")
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": "sub\\a.png", "text": "a"}))
    assert open_source(options(tmp_path)).ids == ("sub/a.png",)


def test_hidden_files_are_no_records(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    for hidden in ("._000", ".ipynb_checkpoints/000", "__MACOSX/000"):
        (folder / hidden).parent.mkdir(exist_ok=True)
        (folder / f"{hidden}.png").write_bytes(b"no image")
        (folder / f"{hidden}.txt").write_bytes(b"\xff")
    (folder / ".ipynb_checkpoints" / "metadata.csv").write_text("broken")
    found = open_source(options(folder))
    assert len(found.ids) == 24
    assert not found.left_out


@pytest.mark.parametrize("ending", [".txt", ".TXT", ".caption", ".Caption"])
def test_sidecars_of_any_spelling(tmp_path: Path, ending: str) -> None:
    picture(0).save(tmp_path / "a.b.png")
    (tmp_path / f"a.b{ending}").write_bytes("\ufeff a dog \r\n".encode())
    assert open_source(options(tmp_path)).captions == ("a dog",)


def test_two_sidecars_that_differ_are_refused(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("a dog")
    (tmp_path / "a.caption").write_text("a dog\n")
    assert open_source(options(tmp_path)).captions == ("a dog",)
    (tmp_path / "a.caption").write_text("a cat")
    with pytest.raises(UserError, match=r"a\.caption, a\.txt give one image different captions"):
        open_source(options(tmp_path))


def test_the_first_line_is_the_caption_and_it_is_said(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("\na dog\u2028runs\r\n\nor a cat\n")
    found = open_source(options(tmp_path))
    assert found.captions == ("a dog\u2028runs",)
    assert found.others == (("or a cat",),)
    assert "1 caption files hold several lines" in found.notes[0]


def left_out(source: Source) -> set[str]:
    return {each.split(": ")[0] for each in source.left_out}


def test_what_is_left_out_is_said_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    (folder / "a.psd").write_bytes(b"")
    (folder / "alone.txt").write_text("no image")
    image_folder(tmp_path / "elsewhere", metadata="txt")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    split = load(folder, tmp_path)
    assert left_out(split.sources[0]) == {"a.psd", "alone.txt", "link"}
    assert {each.split(": ")[0] for each in split.skipped} == {"a.psd", "alone.txt", "link"}
    said = capsys.readouterr().out
    assert "3 left out" in said and "a.psd" in said
    assert load(folder, tmp_path).skipped == split.skipped


def test_avif_is_read_or_said(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    if ".avif" in IMAGE_ENDINGS:
        picture(50).save(folder / "a.avif")
        (folder / "a.txt").write_text("one more")
        assert "a.avif" in open_source(options(folder)).ids
    else:
        (folder / "a.avif").write_bytes(b"")
        assert "a.avif" in left_out(open_source(options(folder)))


def test_metadata_of_the_split_is_the_splits(tmp_path: Path) -> None:
    image_folder(tmp_path / "all" / "train")
    image_folder(tmp_path / "all" / "test", 30)
    assert len(open_source(options(tmp_path / "all")).ids) == 24
    assert len(open_source(options(tmp_path / "all", split="test")).ids) == 30


def test_lone_texts_beside_metadata_are_said(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    (folder / "alone.txt").write_text("no image")
    assert left_out(open_source(options(folder))) == {"alone.txt"}


def test_names_that_print_alike_stay_two_records(tmp_path: Path) -> None:
    for k, name in enumerate((b"\xff", b"\\udcff")):
        stem = (str(tmp_path).encode() + b"/" + name).decode("utf-8", "surrogateescape")
        picture(k).save(content := io.BytesIO(), "PNG")
        Path(f"{stem}.png").write_bytes(content.getvalue())
        Path(f"{stem}.txt").write_text(f"picture {k}")
    assert len(set(open_source(options(tmp_path)).ids)) == 2
