"""What half precision does to an audit: ranks and AUROCs of the same records, asked both ways."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.controls.leaning import spearman
from lit_clid.judging.roc import auroc, curve
from lit_clid.scores import Scores

RANKS, AREA = 0.999, 0.002
"""Rank correlation and difference of AUROC within which a precision is as good as float32."""


@dataclass(frozen=True)
class Kept:
    """What is left of one attack in another precision, its worst column.

    Args:
        ranks: Spearman's ρ of the signals over all records.
        area: AUROC minus that in float32, of one column alone.
    """

    ranks: float
    area: float

    @property
    def fine(self) -> bool:
        return self.ranks >= RANKS and abs(self.area) <= AREA


def kept(whole: Scores, other: Scores) -> dict[str, Kept]:
    """By attack, what another precision keeps of the signals in float32.

    Args:
        whole, other: tables of the same records and attacks; suspects of a claim stand for members.
    """
    assert list(whole.ids) == list(other.ids)
    found: dict[str, Kept] = {}
    for name, spec in whole.about.attacks.items():
        pairs = [(whole.signals[each], other.signals[each]) for each in spec.columns]
        ranks = [_ranks(*pair) for pair in pairs]
        areas = [_area(second, whole) - _area(first, whole) for first, second in pairs]
        found[name] = Kept(min(ranks), max(areas, key=abs))
    return found


def _ranks(first: np.ndarray, second: np.ndarray) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:  # a column that tells nothing in either
        return float(np.array_equal(first, second))
    return spearman(first, second)


def _area(score: np.ndarray, table: Scores) -> float:
    return float(auroc(curve(score, table.member)))


def rows(found: Mapping[str, Kept]) -> list[Sequence[str]]:
    """Lines of a table, the worst attack first."""
    order = sorted(found.items(), key=lambda pair: (pair[1].ranks, -abs(pair[1].area)))
    return [(name, f"{each.ranks:.5f}", f"{each.area:+.4f}") for name, each in order]


def sentence(precision: str, found: Mapping[str, Kept], records: int) -> str:
    """Whether a precision serves this audit."""
    strange = [name for name, each in found.items() if not each.fine]
    if not strange:
        return (
            f"audit.precision={precision} keeps every attack's ranks (ρ ≥ {RANKS}) and AUROC "
            f"(within {AREA}) over these {records} records"
        )
    return (
        f"audit.precision={precision} moves {len(strange)} of {len(found)} attacks over these "
        f"{records} records by more than ρ = {RANKS} or an AUROC of {AREA}: {', '.join(strange)}"
    )
