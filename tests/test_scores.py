from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.errors import UserError
from lit_clid.judging.pseudonyms import about_renamed
from lit_clid.scores import Scores

IDS = ("b", "a", "c", "d")
MEMBER = np.array([True, False, True, False])


def table(**signals: list[float]) -> Scores:
    return Scores(
        IDS, MEMBER, {k: np.array(v) for k, v in signals.items()} or {"s": np.arange(4.0)}
    )


def test_round_trip_sorts_by_id(tmp_path: Path) -> None:
    table(s=[1, 2, 3, 4], other=[0.1, 1e-9, -3, 1e9]).save(tmp_path / "t.parquet")
    back = Scores.load(tmp_path / "t.parquet")
    assert back.ids == ("a", "b", "c", "d")
    assert back.member.tolist() == [False, True, True, False]
    assert back.signals["s"].tolist() == [2, 1, 3, 4]
    assert back.columns(["other", "s"]).shape == (4, 2)


@pytest.mark.parametrize(
    "words",
    [("true", "false"), ("1", "0"), ("member", "nonmember"), ("1.0", "0.0"), ("1.00", "0.")],
)
def test_csv_tables(tmp_path: Path, words: tuple[str, str]) -> None:
    yes, no = words
    (tmp_path / "t.csv").write_text(f"id,member,s\nx,{yes},1.5\ny,{no},-2\n")
    scores = Scores.load(tmp_path / "t.csv")
    assert (scores.member.tolist(), scores.signals["s"].tolist()) == ([True, False], [1.5, -2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,s\nx,1\n", "no column 'member'"),
        ("name,member,s\nx,1,1\n", "no column 'id'"),
        ("id,member\nx,1\ny,0\n", "no signal column"),
        ("id,member,s\nx,1,1\nx,0,2\n", "found twice: x"),
        ("id,member,s\nx,1,nan\ny,0,2\n", "column 's' is not a finite number for x"),
        ("id,member,s\nx,1,\ny,0,2\n", "column 's' is not a finite number for x"),
        ("id,member,s\nx,1,abc\ny,0,2\n", "column 's' holds 'abc' for x"),
        ("id,member,s\nx,1,1\ny,1,2\n", "members only"),
        ("id,member,s\nx,0,1\ny,0,2\n", "hold-outs only"),
        ("id,member,s\nx,maybe,1\ny,0,2\n", r"row 1 \('maybe'\)"),
        ("id,member,s\nx,1\ny,0,2\n", "line 2 has 2 fields"),
        ("", "no column 'id'"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        Scores.load(tmp_path / "t.csv")


def test_a_missing_or_foreign_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        Scores.load(tmp_path / "none.parquet")
    (tmp_path / "t.parquet").write_bytes(b"not parquet")
    with pytest.raises(UserError, match="not a parquet table"):
        Scores.load(tmp_path / "t.parquet")


def test_a_single_suspect_is_left_out_as_a_record(tmp_path: Path) -> None:
    """Its id is in the list that a report with pseudonyms leaves out, not among the columns."""
    ids, told = [f"r{k}" for k in range(9)], [True, False] * 4 + [None]
    signal = np.random.default_rng(0).normal(size=9)
    table = Scores.of_told(ids, told, {"loss": signal}, About(), "table")
    assert table.suspects is None and not table.aside
    assert table.about.skipped == ("r8: nobody knows, and one suspect is too few",)
    table.save(tmp_path / "t.parquet")
    assert Scores.load(tmp_path / "t.parquet").about.skipped == table.about.skipped
    hidden = about_renamed(table.about, {})
    assert hidden.skipped == ("another record",)
