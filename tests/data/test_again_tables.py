"""What one process has decoded is never taken for another column's or another row's."""

from pathlib import Path

import datasets
import pytest
from archived import image
from folders import options

from lit_clid.data import scan, seen
from lit_clid.data.given import given_split
from lit_clid.data.split import load_split

FEATURES = datasets.Features(
    {"a": datasets.Image(), "b": datasets.Image(), "text": datasets.Value("string")}
)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SETTLED", 0.0)
    monkeypatch.setattr(scan, "DECODED", {})


def table(folder: Path) -> Path:
    rows = {
        "a": [{"bytes": image(k), "path": None} for k in range(24)],
        "b": [{"bytes": image(100 + k), "path": None} for k in range(24)],
        "text": [f"picture number {k}" for k in range(24)],
    }
    datasets.Dataset.from_dict(rows, features=FEATURES).to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def test_another_column_holds_other_images(tmp_path: Path) -> None:
    file, drawn = table(tmp_path), {}
    for column in "ab":
        told = options(file, image_column=column)
        split = load_split(told, 0, tmp_path / column)
        drawn[column] = {entry.id: entry.image_hash for entry in split.entries}
        assert load_split(told, 0, tmp_path / column).fingerprint == split.fingerprint
    assert set(drawn["a"]) == set(drawn["b"])
    assert not set(drawn["a"].values()) & set(drawn["b"].values())


def test_a_selection_has_rows_of_its_own(tmp_path: Path) -> None:
    """Row k of either is another row of the files."""
    whole = datasets.load_dataset("parquet", data_files=str(table(tmp_path)), split="train")
    whole = whole.remove_columns("b")
    split = given_split(whole.select(range(12)), whole.select(range(12, 24)), 12, 0)
    assert len({entry.image_hash for entry in split.entries}) == 24
    assert not scan.DECODED
