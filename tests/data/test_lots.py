"""Lots: the lowest hashes, each name as likely as any other, and no list of all."""

import random
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archived import shard
from held import bytes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from lit_clid.config.options.data import DataOptions
from lit_clid.data import archives
from lit_clid.data.lots import Lots
from lit_clid.data.sources import open_source


def lowest(names: list[str], count: int) -> set[str]:
    """The same by sorting all of them."""
    return set(sorted(names, key=lambda n: blake2b(n.encode(), digest_size=16).digest())[:count])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_lots_are_the_lowest_hashes_in_their_order(names: list[str], count: int) -> None:
    lots = Lots(count, zip(names, names, strict=True))
    assert set(lots.kept.values()) == lowest(names, count) and lots.offered == len(names)
    assert list(lots.kept) == sorted(lots.kept)
    assert all(names[number] == name for number, name in lots.kept.items())
    mixed = random.Random(0).sample(names, len(names))
    again = Lots(count, zip(mixed, mixed, strict=True))
    assert set(again.kept.values()) == lowest(names, count)


def test_every_record_is_as_likely_as_any_other() -> None:
    """Of a thousand worlds of forty names each, ten are drawn: every place as often, and every pair
    of neighbours as often as a simple random sample has it.
    """
    places, pairs = np.zeros(40), 0
    for world in range(1000):
        drawn = list(Lots(10, ((f"{world}/{k:02d}", k) for k in range(40))).kept)
        places[drawn] += 1
        pairs += np.sum(np.diff(drawn) == 1)
    assert chisquare(places).pvalue > 1e-4
    assert pairs / 1000 == pytest.approx(39 * 10 * 9 / (40 * 39), abs=0.15)  # ± 3.5 of its errors


@pytest.mark.slow
def test_memory_of_a_sample_does_not_grow_with_what_it_is_drawn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list of all records: a thousand more in ever more shards need a few bytes each, those of
    the names of their shards. An archive's own index is one shard's.
    """
    monkeypatch.setattr(archives, "counted", lambda items, *_: items)  # a bar's own memory
    sizes: list[np.ndarray] = []
    for count in (1024, 4096):
        (folder := tmp_path / str(count)).mkdir()
        for start in range(0, count, 128):
            files = {f"{k:07d}.png": b"" for k in range(start, start + 128)}
            shard(folder / f"{start:07d}.tar", files)  # type: ignore[arg-type]
        asked = DataOptions(source=f"{folder}/*.tar", caption_column="png", sample=64)
        opened: Callable[[], Any] = partial(open_source, asked)
        opened()
        sizes.append(np.minimum(bytes_of(opened), bytes_of(opened)))
    held, most = (sizes[1] - sizes[0]) / (4096 - 1024)
    assert held < 4 and most < 8, (held, most)
