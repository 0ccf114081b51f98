"""Shards: merged into exactly the records that are expected, or refused."""

from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.auditing.shards import finished_ids, merge, write_shard
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
