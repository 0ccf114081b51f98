"""Records that a model has no finite answer about: left out of every table that is paired with it.

The tables of one role's records are compared record by record. What one of them lacks is taken from
all of them, so that every figure is of the same records.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lit_clid.asked import Quarantined
from lit_clid.ids import Ids
from lit_clid.scores import Scores, Suspects

Table = TypeVar("Table", Scores, Scores | None)


class Aligned(NamedTuple):
    """The tables of a judgement, as `judge` takes them."""

    target: Scores
    shadow: Scores | None
    reference: Scores | None
    reference_shadow: Scores | None
    blind: Scores | None
    swapped: Scores | None
    cascade: Scores | None


def aligned(
    target: Scores,
    shadow: Scores | None,
    reference: Scores | None,
    reference_shadow: Scores | None,
    blind: Scores | None = None,
    swapped: Scores | None = None,
    cascade: Scores | None = None,
) -> Aligned:
    """The tables without the records of a role that its model, or the reference, had put aside.

    What is asked in addition may lack further ones.
    """
    lost, others = gaps(target, reference), gaps(shadow, reference_shadow)
    return Aligned(
        without(target, lost),
        without(shadow, others),
        without(reference, lost),
        without(reference_shadow, others),
        without(blind, lost),
        without(swapped, lost),
        without(cascade, lost),
    )


def gaps(*tables: Scores | None) -> set[str]:
    """The records that any of the tables had put aside."""
    return {name for table in tables for name in _gaps(table)}


def _gaps(table: Scores | None) -> Mapping[str, Quarantined]:
    return (table and table.about.quarantined) or {}


def without(table: Table, names: Collection[str]) -> Table:
    """A table, if there is one, without these records."""
    if table is None or not names:
        return table
    kept = _without(table.ids, names)
    suspects = table.suspects
    if suspects is not None:
        others = _without(suspects.ids, names)
        suspects = Suspects(Ids(suspects.ids).take(others), _rows(suspects.signals, others))
    return replace(
        table,
        ids=Ids(table.ids).take(kept),
        member=table.member[kept],
        signals=_rows(table.signals, kept),
        suspects=suspects,
    )


def _without(ids: Sequence[str], names: Collection[str]) -> np.ndarray:
    """Which of the ids (N,) are not among the names."""
    places = Ids(ids).places(list(names))
    kept = np.ones(len(ids), bool)
    kept[places[places >= 0]] = False
    return kept


def _rows(signals: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in signals.items()}


KINDS = {True: "member", False: "hold-out", None: "suspect"}


@dataclass(frozen=True)
class Gap:
    """A record that is not in the figures.

    Args:
        table: of the model that has no finite answer.
        id: of the record.
        kind: "member", "hold-out" or "suspect".
        columns: that were no finite numbers.
    """

    table: str
    id: str
    kind: str
    columns: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "columns": list(self.columns)}


def gaps_of(tables: Mapping[str, Scores | None]) -> tuple[Gap, ...]:
    """Every record that a table had put aside."""
    found: list[Gap] = []
    for name, table in tables.items():
        for each, told in _gaps(table).items():
            found.append(Gap(name, each, KINDS[told.member], told.columns))
    return tuple(found)
