"""Shards: merged into exactly the records that are expected, or refused."""

from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.asked import Quarantined
from lit_clid.auditing.quarantine import put_aside, quarantined, too_many
from lit_clid.auditing.shards import (
    DamagedShardError,
    Roll,
    answers,
    finished_ids,
    merge,
    pack_shards,
    read_shard,
    set_damaged_aside,
    write_shard,
)
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


def test_every_byte_of_a_shard_is_watched(tmp_path: Path) -> None:
    shard(tmp_path, "a", "c")
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    assert read_shard(path, ["id"])["id"].to_pylist() == ["a", "c"]
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DamagedShardError, match="is damaged"):
            read_shard(path)
    shard(tmp_path, "d")
    assert finished_ids(tmp_path) == {"d"}
    with pytest.raises(DamagedShardError):
        merge(tmp_path, Roll.of({"d": False}), About(), "t")
    assert set_damaged_aside(tmp_path) == [path.name]
    shard(tmp_path, "a", "c")
    assert finished_ids(tmp_path) == {"a", "c", "d"}


def test_shards_of_before_are_read_and_a_broken_one_is_not(tmp_path: Path) -> None:
    shard(tmp_path, "a", "c")
    (path,) = tmp_path.iterdir()
    old = path.rename(tmp_path / "0123456789abcdef.parquet")
    assert finished_ids(tmp_path) == {"a", "c"}
    old.write_bytes(old.read_bytes()[:-9])
    assert finished_ids(tmp_path) == set()


def test_records_put_aside_are_remembered_with_their_columns(tmp_path: Path) -> None:
    found = {
        "a": Quarantined(member=True, columns=("s", "t")),
        "../b": Quarantined(member=None, columns=("t",)),
    }
    put_aside(tmp_path, found)
    assert quarantined(tmp_path) == found
    (file,) = tmp_path.iterdir()
    file.write_text("[3]")
    with pytest.raises(UserError, match="names no records; delete it"):
        quarantined(tmp_path)


@pytest.mark.parametrize(("aside", "many"), [(1, False), (5, False), (6, True)])
def test_one_in_twenty_of_a_kind_may_be_aside(aside: int, many: bool) -> None:
    expected = {f"m{k}": True for k in range(100)} | {f"h{k}": False for k in range(100)}
    assert too_many({f"m{k}": True for k in range(aside)}, expected) is many
    both = {f"m{k}": True for k in range(5)} | {f"h{k}": False for k in range(5)}
    assert not too_many(both, expected)
    assert not too_many({"a": True}, {"a": True, "b": False})


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
