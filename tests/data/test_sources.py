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


def parquet(file: Path, captions: object, image: object = None) -> Path:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    files = []
    for k in range(len(captions)):  # type: ignore[arg-type]
        picture(k).save(content := io.BytesIO(), "PNG")
        files.append({"bytes": content.getvalue(), "path": None})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": image or files, "text": captions}), file)
    return file


@pytest.mark.parametrize("name", ["set [12]", "a?b", "st*r", "{x}", "a#1"])
def test_a_file_is_taken_literally(tmp_path: Path, name: str) -> None:
    parquet(tmp_path / "set 1" / "a.parquet", ["other"])
    file = parquet(tmp_path / name / "a.parquet", ["this"])
    assert open_source(options(tmp_path, source=str(file), path=None)).captions == ("this",)
    pattern = str(tmp_path / "*" / "a.parquet")
    assert len(open_source(options(tmp_path, source=pattern, path=None)).ids) == 2


def test_a_chained_path_is_refused(tmp_path: Path) -> None:
    file = parquet(tmp_path / "x::y" / "a.parquet", ["this"])
    with pytest.raises(UserError, match=r"x::y.*rename it"):
        open_source(options(tmp_path, source=str(file), path=None))


def test_captions_of_tables_are_text(tmp_path: Path) -> None:
    texts = ["01", "NA", "None", "a\u2028b", "2024-01-05", "é"]
    file = parquet(tmp_path / "a.parquet", texts)
    assert open_source(options(tmp_path, source=str(file), path=None)).captions == tuple(texts)
    file = parquet(tmp_path / "b.parquet", [text.encode() for text in texts])
    assert open_source(options(tmp_path, source=str(file), path=None)).captions == tuple(texts)
    file = parquet(tmp_path / "c.parquet", [1, 2])
    assert open_source(options(tmp_path, source=str(file), path=None)).captions == ("1", "2")


@pytest.mark.parametrize("cells", [[b"\xff", b"a"], [1.5, 2.0], [True, False]])
def test_what_is_not_text_is_named(tmp_path: Path, cells: list[object]) -> None:
    file = parquet(tmp_path / "a.parquet", cells)
    with pytest.raises(UserError, match="'text' in row 1"):
        open_source(options(tmp_path, source=str(file), path=None))


def test_lists_of_images_are_named(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", ["a", "b"], [[b"x", b"y"], [b"z"]])
    with pytest.raises(UserError, match="column 'image' holds no single images"):
        open_source(options(tmp_path, source=str(file), path=None))
