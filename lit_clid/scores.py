"""The table at which the wings meet: `id · member · <signal columns>`, perhaps with `group`.

It is kept as parquet beside the JSON of its `About`. Where the cell `member` is empty the record is
a suspect: nobody knows whether the model was trained on it.

Larger signals are more member-like. Any judgement can be re-made from this table alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lit_clid.about import About, read_about
from lit_clid.cells import numbers_of, parse_known, rows_of, texts_by_id, texts_of
from lit_clid.errors import UserError, few
from lit_clid.files import write_json
from lit_clid.ids import Ids
from lit_clid.parquet import write_parquet
from lit_clid.refused import check_ids, check_kinds, check_numbers
from lit_clid.tabular import choose_signals, read_columns

IMAGE = "same_image"
"""Column that says which records are of one image, under several captions; empty for none."""
GROUP = "group"
"""Column that says which artist, client or domain a record is of; empty for none."""
FEWEST = 2
"""Suspects, and hold-outs, that are compared at all."""

ALONE = "nobody knows, and one suspect is too few"
"""Why a record is left out."""


@dataclass(frozen=True)
class Suspects:
    """Signals of M records whose membership nobody knows, sorted by id.

    Args:
        ids: M unique record ids.
        signals: column name → float64 (M,), finite.
    """

    ids: Sequence[str]
    signals: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        _put_in_order(self, Ids(self.ids))

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """The signal columns `names` as (M, F) float64."""
        return np.stack([self.signals[name] for name in names], axis=1)


@dataclass(frozen=True)
class Scores:
    """Signals of N records about one model, checked and sorted by id.

    Args:
        ids: N unique record ids.
        member: bool (N,), true for records the model was trained on; of a claim, for the suspects.
        signals: column name → float64 (N,), finite.
        about: how the table was made.
        where: name of the table for messages.
        aside: columns that were not taken for signals, each as "name: reason".
        claim: no member is known: `member` marks the suspects beside comparable hold-outs.
        suspects: further records, where members are known and they are not.
        groups: id → group of the records that have one.
        images: id → image of the records that share one with others, and are resampled with them.

    Raises:
        UserError: for duplicate ids, a non-finite signal, a table with one class only, or no signal
            column.
    """

    ids: Sequence[str]
    member: np.ndarray
    signals: Mapping[str, np.ndarray]
    about: About = field(default_factory=About)
    where: str = "scores"
    aside: tuple[str, ...] = ()
    claim: bool = False
    suspects: Suspects | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = Ids(self.ids)
        check_numbers(ids, self.signals, self.where)
        if self.suspects is not None:
            check_numbers(self.suspects.ids, self.suspects.signals, self.where)
        check_kinds(self.member, self.claim, self.where)
        order = _put_in_order(self, ids)
        object.__setattr__(self, "member", np.asarray(self.member, bool)[order])
        others = None if self.suspects is None else Ids(self.suspects.ids)
        check_ids(Ids(self.ids), others, self.where)

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """The signal columns `names` as (N, F) float64."""
        return np.stack([self.signals[name] for name in names], axis=1)

    @property
    def cluster(self) -> np.ndarray | None:
        """The number of each record's image (N,); None where every record has its own."""
        if not self.images:
            return None
        names = [self.images.get(name, f"{name} alone") for name in self.ids]
        found: np.ndarray = np.unique(names, return_inverse=True)[1]
        return found

    def save(self, path: Path) -> None:
        """Write `path` (.parquet), and how it was made (.json) beside it; each appears whole."""
        write_json(path.with_suffix(".json"), self.about.as_json())
        ids, signals, member = Ids(self.ids), dict(self.signals), self.member
        known = ~member if self.claim else np.ones_like(member)
        if self.suspects is not None:
            ids = ids + self.suspects.ids
            nobody = np.zeros(len(self.suspects.ids), bool)
            member, known = (np.concatenate([own, nobody]) for own in (member, known))
            for name, values in signals.items():
                signals[name] = np.concatenate([values, self.suspects.signals[name]])
        beside = {GROUP: self.groups, IMAGE: self.images}
        write_parquet(path, ids, member, signals, beside, known)

    @classmethod
    def load(cls, path: Path, signals: Sequence[str] | None = None) -> "Scores":
        """Read a table of signals, parquet or CSV, with its JSON if there is one.

        Args:
            path: of the table.
            signals: columns to take; None takes those that the JSON tells of, or else every one
                that can be a signal: no index, no copy of the labels, no counter, no text.

        Raises:
            UserError: if the file is missing, unreadable, or lacks `id`, `member` or a numeric
                signal.
        """
        if not path.is_file():
            raise UserError(
                f"scores: no file {path}; give a parquet or CSV table with columns id, member and "
                "signals"
            )
        rows, index = read_columns(path)
        for column in ("id", "member"):
            if column not in rows:
                raise UserError(
                    f"{path}: no column '{column}' (found {few(list(rows))}); name it so"
                )
        member, known = parse_known(rows.pop("member"), str(path))
        ids = texts_of(rows.pop("id"))
        about, aside = read_about(path), tuple[str, ...]()
        taken = [column for spec in about.attacks.values() for column in spec.columns]
        beside: dict[str, dict[str, str]] = {}
        for column in (GROUP, IMAGE):
            beside[column] = {}
            if column not in (signals or taken):
                beside[column] = texts_by_id(ids, rows.pop(column, ()))
        if signals is not None or not about.attacks:
            label, compared, claim = _compared(member, known)
            check_kinds(label[compared], claim, str(path))
            cells = {name: rows_of(values, compared) for name, values in rows.items()}
            names, aside = choose_signals(cells, label[compared], index, signals, str(path))
            rows = {name: rows[name] for name in names}
        numbers = {name: numbers_of(name, values, ids, path) for name, values in rows.items()}
        found = cls.of_known(ids, member, known, numbers, about, str(path), aside)
        return replace(found, groups=beside[GROUP], images=beside[IMAGE])

    @classmethod
    def of_told(
        cls,
        ids: Sequence[str],
        told: Sequence[bool | None],
        signals: Mapping[str, np.ndarray],
        about: About,
        where: str,
    ) -> "Scores":
        """A table of records of which some may be suspects.

        Args:
            ids: N of them.
            told: who is a member (N,), None where nobody knows.
            signals: column name → (N,).
            about, where: see the class.
        """
        member = np.array([said is True for said in told], bool)
        known = np.array([said is not None for said in told], bool)
        return cls.of_known(Ids(ids), member, known, signals, about, where)

    @classmethod
    def of_known(
        cls,
        ids: Ids,
        member: np.ndarray,
        known: np.ndarray,
        signals: Mapping[str, np.ndarray],
        about: About,
        where: str,
        aside: tuple[str, ...] = (),
    ) -> "Scores":
        """The same, where `known` (N,) says of whom `member` (N,) says it."""
        label, compared, claim = _compared(member, known)
        if compared.all():
            return cls(ids, label, signals, about, where, aside, claim)
        own = {name: values[compared] for name, values in signals.items()}
        others = {name: values[~compared] for name, values in signals.items()}
        suspects: Suspects | None = Suspects(ids.take(~compared), others)
        if suspects is not None and len(suspects.ids) < FEWEST:
            why = f"{suspects.ids[0]}: {ALONE}"
            about = replace(about, skipped=tuple(dict.fromkeys((*about.skipped, why))))
            suspects = None
        inside = ids.take(compared)
        return cls(inside, label[compared], own, about, where, aside, claim, suspects)


def _compared(member: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Labels (N,) of what is compared, which records that are (N,), and whether it is a claim, in
    which suspects stand where members would.
    """
    if not member.any() and not known.all():
        return ~known, np.ones_like(known), True
    return member, known, False


def _put_in_order(table: Scores | Suspects, ids: Ids) -> np.ndarray:
    """Sort a table's ids and signals by id; returns the order (N,)."""
    order = ids.order()
    sorted_already = bool((np.diff(order) > 0).all())
    signals: dict[str, np.ndarray] = {}
    for name, values in table.signals.items():
        numbers = np.asarray(values, np.float64)
        signals[name] = numbers if sorted_already else numbers[order]
    object.__setattr__(table, "ids", ids if sorted_already else ids.take(order))
    object.__setattr__(table, "signals", signals)
    return order
