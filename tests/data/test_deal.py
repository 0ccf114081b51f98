"""Dealing records out: who may be what, and how many are kept for a shadow."""

from collections import Counter
from pathlib import Path

import pytest
from folders import options
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.deal import Alone, Piles, deal, find_piles
from lit_clid.data.source import Source
from lit_clid.errors import UserError
from lit_clid.ids import Ids


def test_a_redrawn_shadow_is_independent_of_the_target(tmp_path: Path) -> None:
    """Over many seeds all four cells of (target member?, shadow member?) are equally full."""
    piles = Piles(Ids(map(str, range(20))), Ids(map(str, range(20))))
    cells: Counter[tuple[bool, bool]] = Counter()
    for seed in range(200):
        parts = deal(piles, options(tmp_path, members=10, nonmembers=10, shadow="redrawn"), seed)
        played: dict[str, dict[str, bool | None]] = {"target": {}, "shadow": {}}
        for part in parts:
            played[part.role] |= dict.fromkeys(part.ids, part.member)
        target, shadow = played["target"], played["shadow"]
        assert len(target) == len(shadow) == 20
        cells.update((target[n], shadow[n]) for n in target)
    # 4000 records in four cells of 1000, hypergeometric within a seed: standard error about 16
    assert all(abs(count - 1000) < 80 for count in cells.values()), cells


def of_two(inside: int, outside: int, suspects: int = 0) -> dict[str, Source]:
    def source(name: str, count: int, mark: str = "") -> Source:
        ids = tuple(f"{name}{k}" for k in range(count))
        return Source(name, ids, ids, lambda row: Image.new("RGB", (1, 1)), mark=mark)

    found = {"first": source("m", inside), "nonmembers": source("h", outside, "nonmembers:")}
    return found | ({"suspects": source("s", suspects, "suspects:")} if suspects else {})


def counts(sources: dict[str, Source], alone: Alone, **changes: int | None) -> dict[str, int]:
    names = [name for source in sources.values() for name in source.names]
    options = DataOptions(**{"members": None, "nonmembers": None, **changes})  # type: ignore[arg-type]
    parts = deal(find_piles(names, sources, alone=alone), options, 0)
    told = {True: "members", False: "holdouts", None: "suspects"}
    return {f"{part.role} {told[part.member]}": len(part.ids) for part in parts if part.ids}


def test_records_are_kept_for_a_shadow_where_there_may_be_one() -> None:
    half = {"target members": 4, "target holdouts": 5, "shadow members": 4, "shadow holdouts": 5}
    assert counts(of_two(8, 10), Alone.NO) == half
    assert counts(of_two(8, 10), Alone.CLAIM) == half  # of a model that was trained on its half
    assert counts(of_two(8, 10), Alone.YES) == {"target members": 8, "target holdouts": 10}
    claimed = {"target members": 8, "target holdouts": 10, "target suspects": 3}
    assert counts(of_two(8, 10, 3), Alone.CLAIM) == counts(of_two(8, 10, 3), Alone.YES) == claimed


def test_counts_that_are_asked_for_are_there() -> None:
    assert counts(of_two(8, 10), Alone.YES, members=6) == {
        "target members": 6,
        "target holdouts": 10,
    }
    with pytest.raises(UserError, match="8 usable members, but the split asks for 9"):
        counts(of_two(8, 10), Alone.YES, members=9)


def test_nothing_says_who_is_a_member() -> None:
    first = {"first": of_two(8, 1)["first"]}
    piles = find_piles(first["first"].names, first, alone=Alone.YES)
    assert piles.inside == piles.outside and not piles.alone
