"""Shards: merged into exactly the records that are expected, or refused."""

from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.asked import Quarantined
from lit_clid.auditing.quarantine import put_aside, quarantined, too_many
from lit_clid.auditing.shards import (
    DamagedShardError,
    finished_ids,
    merge,
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
        merge(tmp_path, expected, About(), "t")
    shard(tmp_path, "d", "b", value=2.0)
    assert finished_ids(tmp_path) == set(expected)
    assert merge(tmp_path, expected, About(), "t").signals["s"].tolist() == [1, 2, 1, 2]
    shard(tmp_path, "a")  # the same answer again, as two ranks may give it
    assert len(merge(tmp_path, expected, About(), "t").ids) == 4


def test_merge_refuses_contradictions_and_strangers(tmp_path: Path) -> None:
    shard(tmp_path, "a", "c")
    with pytest.raises(UserError, match="not of this split: a"):
        merge(tmp_path, {"c": False}, About(), "t")
    shard(tmp_path, "a", value=5.0)
    with pytest.raises(UserError, match="disagree about record a"):
        merge(tmp_path, {"a": True, "c": False}, About(), "t")


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
        merge(tmp_path, {"d": False}, About(), "t")
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
