"""Sources: folders, files of the datasets library, embedded families; broken ones are named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from folders import image_folder, load, options, picture, rewrite

from lit_clid.config.options.data import DataOptions
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError


@pytest.mark.parametrize("metadata", ["jsonl", "csv", "txt"])
def test_image_folders(tmp_path: Path, metadata: str) -> None:
    source = open_source(options(image_folder(tmp_path / "images", metadata=metadata)))
    rows = {name: (source.captions[k], source.open_image(k)) for k, name in enumerate(source.ids)}
    assert len(rows) == 24
    assert rows["007.png"][0] == "picture number 7"
    assert rows["007.png"][1].tobytes() == picture(7).tobytes()


def test_several_captions_of_an_image_and_unlisted_images(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    rewrite(folder, "metadata.jsonl", lambda t: t.replace("005.png", "004.png"))
    source = open_source(options(folder))
    assert len(set(source.ids)) == 24
    assert sorted(name.split("#")[0] for name in source.ids).count("004.png") == 2
    assert source.unlisted == ("005.png",)


def test_metadata_may_name_files_in_a_folder_called_train(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images")
    (folder / "train").mkdir()
    for image in sorted(folder.glob("*.png")):
        image.rename(folder / "train" / image.name)
    rewrite(folder, "metadata.jsonl", lambda t: t.replace('"file_name": "', '"file_name": "train/'))
    assert "train/003.png" in open_source(options(folder)).ids


def test_subfolders_keep_their_names(tmp_path: Path) -> None:
    image_folder(tmp_path / "all" / "part", metadata="txt")
    assert "part/003.png" in open_source(options(tmp_path / "all")).ids


def test_embedded_families_need_no_files() -> None:
    source = open_source(DataOptions(source="scenes", members=5, nonmembers=6))
    assert len(source.ids) == len(set(source.captions)) == 22


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: (f / "metadata.jsonl").rename(f / "metdata.jsonl"),
            r"no captions.*metdata\.jsonl",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace('"text"', '"txet"')),
            "no caption column",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("003.png", "9.png")),
            r"no such image: row 4 \(9.png\)",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("003.png", "../../x.png")),
            "lead outside the folder",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t + "{oops\n"),
            "line 25 is not valid JSON",
        ),
        (
            lambda f: rewrite(f, "metadata.jsonl", lambda t: t.replace("file_name", "filename")),
            "no file_name in row 1, 2",
        ),
        (lambda f: [p.unlink() for p in f.glob("*.png")], "no images"),
    ],
)
def test_broken_folders_are_named(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    folder = image_folder(tmp_path / "images")
    spoil(folder)
    with pytest.raises(UserError, match=message):
        load(folder, tmp_path)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", metadata="txt")
    picture(99).save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "link.txt").write_text("a secret")
    with pytest.raises(UserError, match=r"link\.png lead outside"):
        load(folder, tmp_path)
