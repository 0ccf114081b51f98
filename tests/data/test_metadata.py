"""Metadata files: text is read as text, whatever it looks like."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import options, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_clid.data.metadata import read_metadata
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError

ODD = [
    *("01", "1.0", "1e3", "NA", "None", "null", "nan", "true", "2024-01-05", "#1", "=1+1"),
    *(
        "a\u2028b",
        "a\u2029b\u0085c\x0bd\x0ce\x1cf",
        'say "a, b"; c',
        "a\r\nb",
        "a\rb",
        "é",
        "e\u0301",
    ),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def write(folder: Path, kind: str, texts: list[str]) -> Path:
    """A metadata file whose rows name 0.png, 1.png, … with these texts."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"file_name": f"{k}.png", "text": text} for k, text in enumerate(texts)]
    file = folder / f"metadata.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
        return file
    out = io.StringIO()
    if kind == "csv":
        writer = csv.DictWriter(out, ["file_name", "text"])
        writer.writeheader()
        writer.writerows(rows)
    else:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_bytes(out.getvalue().encode())
    return file


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_captions_round_trip(tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    folder = tmp_path_factory.mktemp("folder")

    @settings(max_examples=40, deadline=None)
    @given(st.lists(TEXTS, min_size=1, max_size=5))
    def round_trip(texts: list[str]) -> None:
        if kind == "csv":
            texts = [text for text in texts if "\0" not in text] or ["a"]
        assert read_metadata(write(folder, kind, texts))["text"] == texts

    round_trip()
    assert read_metadata(write(folder, kind, ODD))["text"] == ODD


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_captions_of_a_folder_are_what_was_written(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind, ODD)
    for k in range(len(ODD)):
        picture(k).save(tmp_path / f"{k}.png")
    assert open_source(options(tmp_path)).captions == tuple(text.strip() for text in ODD)


@pytest.mark.parametrize("written", ["7", "007e2", "1.50", "NaN"])
def test_numbers_of_json_stay_as_written(tmp_path: Path, written: str) -> None:
    if written == "007e2":
        written = "7.00e2"
    file = tmp_path / "metadata.jsonl"
    file.write_text(f'{{"file_name": "a.png", "text": {written}}}\n')
    picture(0).save(tmp_path / "a.png")
    assert open_source(options(tmp_path)).captions == (written,)


@pytest.mark.parametrize("value", [1.5, True, {"a": 1.5}["a"]])
def test_what_is_not_text_is_refused_by_row(tmp_path: Path, value: object) -> None:
    rows = [{"file_name": "a.png", "text": value}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "metadata.parquet")
    picture(0).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"'text' in row 1: holds .*store the column as text"):
        open_source(options(tmp_path))


def test_a_missing_cell_is_empty_and_only_that(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file_name,text\n0.png,NA\n1.png,\n2.png,None\n")
    for k in range(3):
        picture(k).save(tmp_path / f"{k}.png")
    assert open_source(options(tmp_path)).captions == ("NA", "", "None")


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators_are_read(tmp_path: Path, sign: str) -> None:
    (tmp_path / "metadata.csv").write_text(f"file_name{sign}text\n0.png{sign}a, b\n")
    picture(0).save(tmp_path / "0.png")
    assert open_source(options(tmp_path)).captions == ("a, b",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "metadata.csv").write_bytes("file_name,text\n0.png,é\n".encode(encoding))
    picture(0).save(tmp_path / "0.png")
    assert open_source(options(tmp_path)).captions == ("é",)


def test_a_text_with_an_unquoted_comma_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file_name,text\n0.png,a dog, running\n")
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(UserError, match="row 1 has more cells than the header"):
        open_source(options(tmp_path))


def test_lines_may_end_as_on_old_systems(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"file_name,text\r0.png,a dog\r")
    picture(0).save(tmp_path / "0.png")
    assert open_source(options(tmp_path)).captions == ("a dog",)


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file_name,text,text\n0.png,a,b\n")
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(UserError, match="columns named twice: text"):
        open_source(options(tmp_path))


def test_half_a_character_is_refused_by_row(tmp_path: Path) -> None:
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.png", "text": "\\ud800"}')
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(UserError, match="'text' in row 1: holds half a character"):
        open_source(options(tmp_path))
