"""Sources: folders, files of the datasets library, embedded families; broken ones are named."""

from collections.abc import Callable
from pathlib import Path

import datasets
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


@pytest.mark.parametrize("kind", ["parquet", "arrow", "tar"])
def test_files_of_the_datasets_library(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / "images")
    pattern = str(tmp_path / f"*.{kind}")
    if kind == "tar":
        import tarfile

        with tarfile.open(tmp_path / "shard.tar", "w") as tar:
            for k in range(24):
                (folder / f"{k:03d}.txt").write_text(f"picture number {k}")
                for ending in ("png", "txt"):
                    tar.add(folder / f"{k:03d}.{ending}", f"{k:03d}.{ending}")
    else:
        data = datasets.Dataset.from_dict(
            {
                "image": [str(folder / f"{k:03d}.png") for k in range(24)],
                "caption": [[f"picture number {k}", "other"] for k in range(24)],
            }
        ).cast_column("image", datasets.Image())
        if kind == "parquet":
            data.to_parquet(str(tmp_path / "records.parquet"))
        else:
            data = data.map(
                lambda row: {
                    "image": {
                        "bytes": (folder / Path(row["image"].filename).name).read_bytes(),
                        "path": None,
                    }
                },
                features=data.features,
            )
            data.save_to_disk(str(tmp_path / "saved"))
            pattern = str(tmp_path / "saved" / "*.arrow")
    source = open_source(options(tmp_path, source=pattern, path=None))
    row = source.captions.index("picture number 7")
    assert source.open_image(row).tobytes() == picture(7).tobytes()


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
