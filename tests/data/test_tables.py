"""Parquet, Arrow and hub tables: names literally, text as text, columns that agree."""

import io
from collections.abc import Sequence
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import image_folder, options, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError


def opened(source: object, **changes: object) -> Source:
    return open_source(options(Path(), source=str(source), path=None, **changes))


def images(count: int) -> list[dict[str, object]]:
    files = []
    for k in range(count):
        picture(k).save(content := io.BytesIO(), "PNG")
        files.append({"bytes": content.getvalue(), "path": None})
    return files


def parquet(file: Path, captions: object, image: object = None, **columns: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = image or images(len(captions))  # type: ignore[arg-type]
    pq.write_table(pa.table({"image": image, "text": captions, **columns}), file)
    return file


def arrow(file: Path, captions: Sequence[str], indexed: bool = False) -> Path:
    table = pa.table({"image": images(len(captions)), "text": captions})
    writer = pa.ipc.new_file if indexed else pa.ipc.new_stream
    with writer(str(file), table.schema) as out:
        out.write_table(table)
    return file


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_files_that_the_datasets_library_wrote(tmp_path: Path, kind: str) -> None:
    folder = image_folder(tmp_path / "images")
    pattern = str(tmp_path / f"*.{kind}")
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
    source = opened(pattern)
    row = source.captions.index("picture number 7")
    assert source.open_image(row).tobytes() == picture(7).tobytes()
    assert source.others is not None
    assert source.others[row] == ("other",)


@pytest.mark.parametrize("name", ["set [12]", "a?b", "st*r", "{x}", "a#1", "x::y", "back\\\\slash"])
def test_a_file_is_taken_literally(tmp_path: Path, name: str) -> None:
    parquet(tmp_path / "set 1" / "a.parquet", ["other"])
    file = parquet(tmp_path / name / "a.parquet", ["this"])
    assert opened(file).captions == ("this",)
    pattern = str(tmp_path / "*" / "a.parquet")
    assert len(opened(pattern).ids) == 2


def test_captions_of_tables_are_text(tmp_path: Path) -> None:
    texts = ["01", "NA", "None", "a\u2028b", "2024-01-05", "é"]
    file = parquet(tmp_path / "a.parquet", texts)
    assert opened(file).captions == tuple(texts)
    file = parquet(tmp_path / "b.parquet", [text.encode() for text in texts])
    assert opened(file).captions == tuple(texts)
    file = parquet(tmp_path / "c.parquet", [1, 2])
    assert opened(file).captions == ("1", "2")


@pytest.mark.parametrize("cells", [[b"\xff", b"a"], [1.5, 2.0], [True, False]])
def test_what_is_not_text_is_named(tmp_path: Path, cells: list[object]) -> None:
    file = parquet(tmp_path / "a.parquet", cells)
    with pytest.raises(UserError, match="'text' in row 1"):
        opened(file)


def test_lists_of_images_are_named(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", ["a", "b"], [[b"x", b"y"], [b"z"]])
    with pytest.raises(UserError, match="column 'image' holds no single images"):
        opened(file)


texts = st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts)
def test_any_text_comes_back_from_arrow(tmp_path: Path, captions: list[str]) -> None:
    stripped = tuple(text.strip() for text in captions)
    for indexed in (False, True):
        assert opened(arrow(tmp_path / "a.arrow", captions, indexed)).captions == stripped


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts)
def test_any_text_comes_back_from_parquet(tmp_path: Path, captions: list[str]) -> None:
    stripped = tuple(text.strip() for text in captions)
    assert opened(parquet(tmp_path / "a.parquet", captions)).captions == stripped


def test_columns_that_differ_between_files_are_left_out_aloud(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", ["one"], score=[1], only=["x"], part=[None])
    parquet(tmp_path / "b.parquet", ["two"], score=["high"], part=["p"])
    source = opened(tmp_path / "*.parquet")
    assert source.captions == ("one", "two")
    assert source.open_image(1).tobytes() == picture(0).tobytes()
    (note,) = source.notes
    assert "score, only" in note
    assert "part" not in note


@pytest.mark.parametrize(
    ("column", "changes"),
    [("member", {}), ("extra", {"rephrasings_column": "extra"})],
)
def test_files_must_agree_on_what_is_used(tmp_path: Path, column: str, changes: dict) -> None:
    parquet(tmp_path / "a.parquet", ["one"], **{column: [1]})
    parquet(tmp_path / "b.parquet", ["two"])
    with pytest.raises(UserError, match=f"do not agree on column {column} "):
        opened(tmp_path / "*.parquet", **changes)


def test_categories_are_read_as_their_texts(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"image": images(2), "text": pd.Categorical(["b", "a"])})
    frame.to_parquet(tmp_path / "a.parquet")
    assert opened(tmp_path / "a.parquet").captions == ("b", "a")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"a.{kind}").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=f"a.{kind}: not a table of kind {kind}"):
        opened(tmp_path / f"a.{kind}")


def test_unused_types_and_empty_shards_do_no_harm(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int64())
    odd = pa.array([[("k", 1)]], kind)
    parquet(tmp_path / "a.parquet", ["one"], odd=odd)
    empty = pa.table({"image": images(1), "text": ["x"], "odd": odd}).slice(0, 0)
    pq.write_table(empty, tmp_path / "b.parquet")
    source = opened(tmp_path / "*.parquet")
    assert source.captions == ("one",)
    assert "odd" in source.notes[0]
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), empty.schema) as out:
        out.write_table(pa.table({"image": images(1), "text": ["x"], "odd": odd}))
    assert opened(tmp_path / "a.arrow").captions == ("x",)
    with pytest.raises(UserError, match=r"b\.parquet: no rows"):
        opened(tmp_path / "b.parquet")


def test_categories_and_texts_agree(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    pd.DataFrame({"image": images(1), "text": pd.Categorical(["b"])}).to_parquet(
        tmp_path / "a.parquet"
    )
    parquet(tmp_path / "b.parquet", ["c"])
    assert opened(tmp_path / "*.parquet").captions == ("b", "c")


def test_relative_paths_of_several_folders_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        picture(len(name)).save(tmp_path / name / "i.png")
        cells = [{"bytes": None, "path": "i.png"}]
        parquet(tmp_path / name / "a.parquet", [name], cells)
    assert opened(tmp_path / "one" / "a.parquet").ids == ("i.png",)
    with pytest.raises(UserError, match=r"row 1 names its image by a relative path \(i.png\)"):
        opened(tmp_path / "*" / "a.parquet")
