"""Shards: merged into exactly the records that are expected, or refused."""

from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.auditing.shards import Roll, answers, finished_ids, merge, pack_shards, write_shard
from lit_clid.errors import UserError


def shard(folder: Path, *ids: str, value: float = 1.0) -> None:
    write_shard(folder, ids, np.array([i < "c" for i in ids]), {"s": np.full(len(ids), value)})


def test_merge_takes_exactly_the_expected_records(tmp_path: Path) -> None:
    expected = {"a": True, "b": True, "c": False, "d": False}
    shard(tmp_path, "a", "c")
    with pytest.raises(UserError, match="missing: b, d"):
        merge(tmp_path, Roll.of(expected), About(), "t")
    shard(tmp_path, "d", "b", value=2.0)
    assert finished_ids(tmp_path) == set(expected)
    assert merge(tmp_path, Roll.of(expected), About(), "t").signals["s"].tolist() == [1, 2, 1, 2]
    shard(tmp_path, "a")  # the same answer again, as two ranks may give it
    assert len(merge(tmp_path, Roll.of(expected), About(), "t").ids) == 4


def test_merge_refuses_contradictions_and_strangers(tmp_path: Path) -> None:
    shard(tmp_path, "a", "c")
    with pytest.raises(UserError, match="not of this split: a"):
        merge(tmp_path, Roll.of({"c": False}), About(), "t")
    shard(tmp_path, "a", value=5.0)
    with pytest.raises(UserError, match="disagree about record a"):
        merge(tmp_path, Roll.of({"a": True, "c": False}), About(), "t")


def test_labels_that_contradict_are_found_where_signals_agree(tmp_path: Path) -> None:
    write_shard(tmp_path, ["a", "b"], [True, None], {"s": np.array([1.0, np.inf])})
    write_shard(tmp_path, ["b"], [False], {"s": np.array([np.inf])})
    with pytest.raises(UserError, match="disagree about record b"):
        merge(tmp_path, Roll.of({"a": True, "b": None}), About(), "t")


def test_who_is_a_member_may_be_unknown_but_not_another(tmp_path: Path) -> None:
    write_shard(tmp_path, ["a", "b", "c"], [None, None, False], {"s": np.arange(3.0)})
    told = {"a": None, "b": None, "c": False}
    assert merge(tmp_path, Roll.of(told), About(), "t").claim
    with pytest.raises(UserError, match=r"missing: none; not of this split: b\)"):
        merge(tmp_path, Roll.of({**told, "b": True}), About(), "t")


def test_shards_of_other_columns_and_none_at_all_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no shards"):
        merge(tmp_path, Roll.of({"a": True}), About(), "t")
    shard(tmp_path, "a")
    write_shard(tmp_path, ["d"], [False], {"other": np.zeros(1)})
    with pytest.raises(UserError, match="has other columns than"):
        merge(tmp_path, Roll.of({"a": True, "d": False}), About(), "t")


def test_packed_shards_are_the_same_rows_in_one_file(tmp_path: Path) -> None:
    shard(tmp_path, "d", "a")
    write_shard(tmp_path, ["c", "b"], [None, None], {"s": np.array([3.0, 2.0])})
    before = answers(tmp_path, ["a", "b", "c", "d"])["s"]
    packed = pack_shards(sorted(tmp_path.glob("*.parquet")))
    assert list(tmp_path.glob("*.parquet")) == [packed]
    assert answers(tmp_path, ["a", "b", "c", "d"])["s"].tolist() == before.tolist()
    told = {"a": True, "b": None, "c": None, "d": False}
    assert merge(tmp_path, Roll.of(told), About(), "t").suspects is not None
    assert pack_shards([packed]) == packed and packed.is_file()
