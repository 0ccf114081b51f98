"""Several captions of a record, wherever they stand, and under which an audit asks."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from folders import captions_of, image_folder, load, options, picture, rewrite

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


@pytest.mark.parametrize("several_captions", ["first", "average"])
def test_one_run_may_be_asked_either_way_and_a_further_caption_that_changed_is_named(
    several_captions: str, tmp_path: Path
) -> None:
    given = folder_of("lines", tmp_path / "images")
    split_of(given, tmp_path / "run", "first")
    before = split_of(given, tmp_path / "run", "average")
    name = next(name for name, told in before.wordings().items() if len(told) > 1)
    rewrite(tmp_path / "images", f"{name[:3]}.txt", lambda text: text.replace("some", "many"))
    with pytest.raises(UserError, match=rf"changed since the split was drawn: {name[:3]}\.png"):
        split_of(given, tmp_path / "run", several_captions)


def test_a_caption_added_behind_the_only_one_is_named(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "images", COUNT, "none")
    for k in range(COUNT):
        (folder / f"{k:03d}.txt").write_text(several(k)[0])
    split_of(options(folder), tmp_path / "run", "average")
    rewrite(folder, "004.txt", lambda text: f"{text}\nanother")
    with pytest.raises(UserError, match=r"changed since the split was drawn: 004\.png"):
        split_of(options(folder), tmp_path / "run", "average")


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


@pytest.mark.parametrize("kind", ["lists", "columns", "lines", "tar"])
def test_each_caption_is_a_record_and_images_are_never_parted(kind: str, tmp_path: Path) -> None:
    given = replace(folder_of(kind, tmp_path / "images"), members=4, nonmembers=5)
    split = split_of(given, tmp_path / "run", "each")
    parts: dict[str, set[tuple[str, bool | None]]] = {}
    for entry in split.entries:
        parts.setdefault(entry.id.partition("#")[0], set()).add((entry.role, entry.member))
    assert len(parts) == 18 and all(len(each) == 1 for each in parts.values())
    for role in ("target", "shadow"):
        assert len(split.once(split.of(role, True))) == 4
        assert len(split.once(split.of(role, False))) == 5
    own = captions_of(split)
    for name in parts:
        told = list(dict.fromkeys(several(int(name[:3]))))
        names = [name, *(f"{name}#{n}" for n in range(2, len(told) + 1))]
        assert [own[each] for each in names] == told
        if len(told) > 1:
            assert {split.images[each] for each in names} == {name}
        else:
            assert name not in split.images
    assert split_of(given, tmp_path / "run", "each").entries == split.entries
    with pytest.raises(UserError, match="several_captions is 'first' now and was 'each'"):
        split_of(given, tmp_path / "run", "average")
    records = RecordSet(split, split.of("target"), 16, 0)
    place = {entry.id: row for row, entry in enumerate(records.entries)}
    name = next(name for name in place if name.endswith("#3"))
    head = name.removesuffix("#3")
    assert records.image(place[name]).equal(records.image(place[head]))


def test_controls_ask_about_every_image_once(tmp_path: Path) -> None:
    given = replace(folder_of("lines", tmp_path / "images"), members=8, nonmembers=8)
    split = split_of(replace(given, shadow="redrawn"), tmp_path / "run", "each")
    part = swapped(split, 8, 0)
    assert part is not None
    assert len(part.entries) == 16 and not any("#" in entry.id for entry in part.entries)


def test_a_further_caption_that_another_image_has_is_a_twin(tmp_path: Path) -> None:
    given = folder_of("lines", tmp_path / "images")
    for k in (5, 6, 7):
        rewrite(tmp_path / "images", f"{k:03d}.txt", lambda text: f"{text}\na caption of several")
    given = replace(given, members=10, nonmembers=10, shadow="redrawn")
    with pytest.raises(UserError, match=r"share their caption with a member.*#4"):
        split_of(given, tmp_path / "run", "each")
    split = split_of(replace(given, on_duplicates="drop"), tmp_path / "run", "each")
    assert sorted(split.skipped) == [f"{k:03d}.png#4: same caption as 005.png#4" for k in (6, 7)]


def test_suspects_are_records_that_count_once(tmp_path: Path) -> None:
    given = folder_of("lines", tmp_path / "images")
    image_folder(tmp_path / "mine", 4)
    given = replace(given, suspects="imagefolder", suspects_path=str(tmp_path / "mine"))
    with pytest.raises(UserError, match=r"data\.several_captions=average"):
        split_of(given, tmp_path / "run", "each")


def test_two_records_never_get_one_name(tmp_path: Path) -> None:
    image_folder(tmp_path / "images", 4, "none")
    picture(9).save(tmp_path / "images" / "000.png#2.png")
    (tmp_path / "images" / "000.png#2.png").rename(tmp_path / "images" / "000.png#2")
    rows = [{"file_name": f"{k:03d}.png", "text": [f"a {k}", f"b {k}"]} for k in range(4)]
    rows.append({"file_name": "000.png#2", "text": ["c"]})
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (tmp_path / "images" / "metadata.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"000\.png#2 would name two records"):
        split_of(options(tmp_path / "images"), tmp_path / "run", "each")
