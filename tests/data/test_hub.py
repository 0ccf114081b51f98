"""Data sets of the hub, for which local folders stand: what the library retypes is refused."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import picture

from lit_clid.data.hub import missing_note, read_hub, require_written
from lit_clid.errors import UserError


def hub_like(folder: Path, cells: Sequence[str]) -> str:
    """A folder of images with a metadata.csv, which the library reads as it would on the hub."""
    folder.mkdir()
    for k in range(len(cells)):
        picture(k).save(folder / f"{k}.png")
    rows = [f"{k}.png,{cell}\n" for k, cell in enumerate(cells)]
    (folder / "metadata.csv").write_text("file_name,text\n" + "".join(rows))
    return str(folder)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["01", "02"], "was read as int64"),
        (["1.50", "2"], "was read as float64"),
        (["True", "False"], "was read as bool"),
    ],
)
def test_captions_that_the_library_retyped_are_refused(
    tmp_path: Path, cells: Sequence[str], message: str
) -> None:
    name = hub_like(tmp_path / "data", cells)
    found = read_hub(name, None, "train")
    assert found.guessed
    with pytest.raises(UserError, match=f"{message}.*data.source=imagefolder"):
        require_written(found.rows, "text", name)


def test_captions_that_the_library_takes_for_missing_are_told(tmp_path: Path) -> None:
    table = read_hub(hub_like(tmp_path / "data", ["a cat", "NA"]), None, "train").rows
    require_written(table, "text", "name")
    (note,) = missing_note(table, "text", "name")
    assert "1 captions are missing (row 2)" in note


def test_csv_of_the_hub_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("image,text\na.png,01\n")
    with pytest.raises(UserError, match=r"changes what CSV files say.*data\.source=imagefolder"):
        read_hub(str(tmp_path / "data"), None, "train")


def test_json_of_the_hub_keeps_its_words_and_gaps(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lines = ['{"text": {"caption": "a"}}', '{"text": null}', '{"text": {"caption": "NA"}}']
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(lines))
    found = read_hub(str(tmp_path / "data"), None, "train")
    assert found.guessed and found.commit is None
    require_written(found.rows, "text", "name")
    assert found.rows["text"][2] == {"caption": "NA"}


def test_text_of_hub_data_is_taken(tmp_path: Path) -> None:
    name = hub_like(tmp_path / "data", ["a cat", "a dog"])
    require_written(read_hub(name, None, "train").rows, "text", name)
    (tmp_path / "tables").mkdir()
    pq.write_table(pa.table({"text": ["01", "NA"]}), tmp_path / "tables" / "train.parquet")
    found = read_hub(str(tmp_path / "tables"), None, "train")
    assert not found.guessed
    assert list(found.rows["text"]) == ["01", "NA"]
