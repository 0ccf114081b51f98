from collections import Counter
from pathlib import Path

from folders import options

from lit_clid.data.deal import Piles, deal


def test_a_redrawn_shadow_is_independent_of_the_target(tmp_path: Path) -> None:
    """Over many seeds all four cells of (target member?, shadow member?) are equally full."""
    piles = Piles(tuple(map(str, range(20))), tuple(map(str, range(20))))
    cells: Counter[tuple[bool, bool]] = Counter()
    for seed in range(200):
        parts = deal(piles, options(tmp_path, members=10, nonmembers=10, shadow="redrawn"), seed)
        target, shadow = ({n: m for n, r, m in parts if r == role} for role in ("target", "shadow"))
        assert len(target) == len(shadow) == 20
        cells.update((target[n], shadow[n]) for n in target)
    # 4000 records in four cells of 1000, hypergeometric within a seed: standard error about 16
    assert all(abs(count - 1000) < 80 for count in cells.values()), cells
