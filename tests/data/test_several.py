"""Several captions of a record, wherever they stand, and under which an audit asks."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from folders import image_folder, load, options, picture, rewrite

from lit_clid.config.options.data import DataOptions
from lit_clid.data.parts import swapped
from lit_clid.data.records import RecordSet
from lit_clid.data.sources import open_source
from lit_clid.data.split import Split, load_split
from lit_clid.errors import UserError

COUNT = 20


def several(k: int) -> list[str]:
    """Three captions, of which one stands there twice; every fourth record has one."""
    own = [f"picture number {k}", f"a photograph, the {k}th", f"number {k} of some"]
    return own[:1] if k % 4 == 0 else [*own, own[1]]


def folder_of(kind: str, folder: Path) -> DataOptions:
    if kind == "lines":
        image_folder(folder, COUNT, "none")
        for k in range(COUNT):
            (folder / f"{k:03d}.txt").write_text("\n".join(several(k)))
        return options(folder)
    if kind == "tar":
        with tarfile.open(folder.with_suffix(".tar"), "w") as archive:
            for k in range(COUNT):
                picture(k).save(content := io.BytesIO(), "PNG")
                told = json.dumps({"captions": several(k)}).encode()
                for name, data in (("png", content.getvalue()), ("json", told)):
                    info = tarfile.TarInfo(f"{k:03d}.{name}")
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
        return options(folder, source=str(folder.with_suffix(".tar")), path=None)
    image_folder(folder, COUNT, "none")
    rows: list[dict[str, object]] = []
    for k in range(COUNT):
        row: dict[str, object] = {"file_name": f"{k:03d}.png"}
        texts = several(k)
        columns = {f"caption_{n}": text for n, text in enumerate(texts)}
        rows.append(row | ({"captions": texts} if kind == "lists" else columns))
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return options(folder, **({} if kind == "lists" else {"caption_column": "caption_*"}))


def split_of(given: DataOptions, run: Path, several_captions: str) -> Split:
    return load_split(replace(given, several_captions=several_captions), 0, run)


@pytest.mark.parametrize("kind", ["lists", "columns", "lines", "tar"])
def test_all_captions_are_found_and_asked_about_if_they_are_averaged(
    kind: str, tmp_path: Path
) -> None:
    given = folder_of(kind, tmp_path / "images")
    first = split_of(given, tmp_path / "first", "first")
    average = split_of(given, tmp_path / "average", "average")
    assert first.fingerprint == average.fingerprint != average.asked != first.asked
    for name, told in average.wordings().items():
        k = int(name[:3])
        assert told == tuple(dict.fromkeys(several(k)))
        assert first.wordings()[name] == told[:1]
    records = RecordSet(average, average.of("target"), 16, 0)
    for row, entry in enumerate(records.entries):
        assert records[row]["captions"] == average.wordings()[entry.id]
        assert records[row]["caption"] == average.wordings()[entry.id][0]


def test_one_run_may_be_asked_either_way_and_a_further_caption_makes_another_audit(
    tmp_path: Path,
) -> None:
    given = folder_of("lines", tmp_path / "images")
    split_of(given, tmp_path / "run", "first")
    before = split_of(given, tmp_path / "run", "average")
    name = next(name for name, told in before.wordings().items() if len(told) > 1)
    rewrite(tmp_path / "images", f"{name[:3]}.txt", lambda text: text.replace("some", "many"))
    after = split_of(given, tmp_path / "run", "average")
    assert after.fingerprint == before.fingerprint and after.asked != before.asked


def test_records_of_one_caption_each_are_asked_the_same(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", COUNT)
    assert (
        load(folder, tmp_path).asked == split_of(options(folder), tmp_path / "run", "average").asked
    )


def test_swapped_captions_are_swapped_with_all_further_ones(tmp_path: Path) -> None:
    given = folder_of("lines", tmp_path / "images")
    split = split_of(replace(given, members=8, nonmembers=8, shadow="redrawn"), tmp_path, "average")
    other = swapped(split, 8, 0)
    assert other is not None
    own, told = split.wordings(), other.wordings()
    assert sorted(told.values()) == sorted(own[name] for name in told)
    assert all(told[name] != own[name] for name in told)


def test_columns_that_a_pattern_names_are_all_read(tmp_path: Path) -> None:
    import datasets

    rows = {"image": [picture(k) for k in range(4)], "caption_b": ["b", "", "b", ""]}
    rows |= {"caption_a": ["a", "a", "", ""], "caption*": ["x"] * 4, "other": ["o"] * 4}
    table = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    table.to_parquet(tmp_path / "a.parquet")
    source = str(tmp_path / "a.parquet")
    found = open_source(DataOptions(source=source, caption_column="caption_*"))
    assert found.captions == ("b", "a", "b", "")
    assert found.others == (("a",), (), (), ())
    assert open_source(DataOptions(source=source, caption_column="caption*")).captions[0] == "x"
    with pytest.raises(UserError, match=r"no caption column 'text_\*'"):
        open_source(DataOptions(source=source, caption_column="text_*"))


def test_empty_lists_are_named(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", COUNT, "none")
    rows = [{"file_name": f"{k:03d}.png", "captions": several(k)} for k in range(COUNT)]
    rows[3]["captions"] = []
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(UserError, match=r"003\.png \(row 4\): empty caption"):
        load(folder, tmp_path, several_captions="average")


def test_contradictions_are_named() -> None:
    with pytest.raises(UserError, match=r"data\.several_captions: 'all' is not one of first"):
        DataOptions(several_captions="all")
    with pytest.raises(UserError, match="speaks of the words of one caption"):
        DataOptions(several_captions="average", importance_column="w")
