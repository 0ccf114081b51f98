"""Groups of records, by a column or by the folder of the image."""

import json
from pathlib import Path

import pytest
from folders import image_folder, rewrite

from lit_clid.config.options.data import DataOptions
from lit_clid.data.groups import groups_of
from lit_clid.data.sources import open_sources
from lit_clid.errors import UserError


def with_artists(folder: Path) -> Path:
    """A folder whose rows say in turn: Ada, Bo, nobody."""
    image_folder(folder, 6)

    def named(text: str) -> str:
        rows = [json.loads(line) for line in text.splitlines()]
        artists = ["Ada", " Bo ", None] * 2
        told = [row | {"artist": artist} for row, artist in zip(rows, artists, strict=True)]
        return "".join(json.dumps(row) + "\n" for row in told)

    rewrite(folder, "metadata.jsonl", named)
    return folder


def options(folder: Path, column: str | None, **more: str) -> DataOptions:
    return DataOptions(source="imagefolder", path=str(folder), group_column=column, **more)


def test_a_column_says_whose_a_record_is(tmp_path: Path) -> None:
    sources = open_sources(options(with_artists(tmp_path / "a"), "artist"))
    found = groups_of(tuple(sources.values()))
    assert sorted(found.values()) == ["Ada", "Ada", "Bo", "Bo"] and len(found) == 4
    assert groups_of(tuple(open_sources(options(tmp_path / "a", None)).values())) == {}


def test_a_folder_is_a_group(tmp_path: Path) -> None:
    image_folder(tmp_path / "all" / "ada", 2)
    image_folder(tmp_path / "all" / "bo", 3)
    for name in ("ada", "bo"):
        (tmp_path / "all" / name / "metadata.jsonl").unlink()
        for image in (tmp_path / "all" / name).glob("*.png"):
            image.with_suffix(".txt").write_text(f"a picture of {name}")
    sources = open_sources(options(tmp_path / "all", "folder"))
    assert sorted(groups_of(tuple(sources.values())).values()) == ["ada"] * 2 + ["bo"] * 3


def test_the_suspects_own_source_has_to_say_it(tmp_path: Path) -> None:
    with_artists(tmp_path / "mine")
    image_folder(tmp_path / "comparable", 4)
    more = {"suspects": "imagefolder", "suspects_path": str(tmp_path / "mine")}
    sources = open_sources(options(tmp_path / "comparable", "artist", **more))
    assert all(name.startswith("suspects:") for name in groups_of(tuple(sources.values())))
    with pytest.raises(UserError, match=r"data.group_column: 'style': .*mine has no such column"):
        open_sources(options(tmp_path / "comparable", "style", **more))
    with pytest.raises(UserError, match="holds its images in no sub-folder"):
        open_sources(options(tmp_path / "comparable", "folder", **more))
