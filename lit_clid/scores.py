"""The table at which the wings meet: `id · member · <signal columns>`, perhaps with `group`.

It is kept as parquet beside the JSON of its `About`. Where the cell `member` is empty the record is
a suspect: nobody knows whether the model was trained on it.

Larger signals are more member-like. Any judgement can be re-made from this table alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from lit_clid.about import About, read_about
from lit_clid.errors import UserError, few
from lit_clid.files import write_json
from lit_clid.parquet import write_parquet
from lit_clid.tabular import choose_signals, numbers_of, parse_known, read_columns

IMAGE = "same_image"
"""Column that says which records are of one image, under several captions; empty for none."""
GROUP = "group"
"""Column that says which artist, client or domain a record is of; empty for none."""
FEWEST = 2
"""Suspects, and hold-outs, that are compared at all."""


@dataclass(frozen=True)
class Suspects:
    """Signals of M records whose membership nobody knows, sorted by id.

    Args:
        ids: M unique record ids.
        signals: column name → float64 (M,), finite.
    """

    ids: tuple[str, ...]
    signals: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        order = _order(self.ids)
        object.__setattr__(self, "ids", tuple(self.ids[k] for k in order))
        object.__setattr__(self, "signals", _ordered(self.signals, order))

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

    ids: tuple[str, ...]
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
        suspects = () if self.suspects is None else self.suspects.ids
        _check_ids((*self.ids, *suspects), self.where)
        _check_numbers(self.ids, self.signals, self.where)
        if self.suspects is not None:
            _check_numbers(self.suspects.ids, self.suspects.signals, self.where)
        _check_kinds(self.member, self.claim, self.where)
        order = _order(self.ids)
        object.__setattr__(self, "ids", tuple(self.ids[k] for k in order))
        object.__setattr__(self, "member", np.asarray(self.member, bool)[order])
        object.__setattr__(self, "signals", _ordered(self.signals, order))

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
        told = [None if self.claim and suspect else bool(suspect) for suspect in self.member]
        ids, signals = self.ids, dict(self.signals)
        if self.suspects is not None:
            ids, told = (*ids, *self.suspects.ids), [*told, *(None for _ in self.suspects.ids)]
            for name, values in signals.items():
                signals[name] = np.concatenate([values, self.suspects.signals[name]])
        beside = {GROUP: self.groups, IMAGE: self.images}
        write_parquet(path, ids, told, signals, beside)

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
        ids = tuple(str(value) for value in rows.pop("id"))
        pairs = zip(member.tolist(), known.tolist(), strict=True)
        told = [said if sure else None for said, sure in pairs]
        about, aside = read_about(path), tuple[str, ...]()
        taken = [column for spec in about.attacks.values() for column in spec.columns]
        beside: dict[str, dict[str, str]] = {}
        for column in (GROUP, IMAGE):
            beside[column] = {}
            if column not in (signals or taken):
                beside[column] = _groups(ids, rows.pop(column, ()))
        if signals is not None or not about.attacks:
            label, compared, claim = _compared(told)
            _check_kinds(label[compared], claim, str(path))
            cells = {name: list(compress(values, compared)) for name, values in rows.items()}
            names, aside = choose_signals(cells, label[compared], index, signals, str(path))
            rows = {name: rows[name] for name in names}
        numbers = {name: numbers_of(name, values, ids, path) for name, values in rows.items()}
        found = cls.of_told(ids, told, numbers, about, str(path), aside)
        return replace(found, groups=beside[GROUP], images=beside[IMAGE])

    @classmethod
    def of_told(
        cls,
        ids: Sequence[str],
        told: Sequence[bool | None],
        signals: Mapping[str, np.ndarray],
        about: About,
        where: str,
        aside: tuple[str, ...] = (),
    ) -> "Scores":
        """A table of records of which some may be suspects.

        Args:
            ids: N of them.
            told: who is a member (N,), None where nobody knows.
            signals: column name → (N,).
            about, where, aside: see the class.
        """
        label, compared, claim = _compared(told)
        own, others = _parts(ids, signals, compared)
        suspects = None if compared.all() else Suspects(*others)
        if suspects is not None and len(suspects.ids) < FEWEST:
            aside = (*aside, f"record {suspects.ids[0]}: nobody knows, and one suspect is too few")
            suspects = None
        return cls(own[0], label[compared], own[1], about, where, aside, claim, suspects)


def _groups(ids: Sequence[str], cells: Sequence[Any]) -> dict[str, str]:
    """id → group of the rows whose cell is not empty."""
    pairs = zip(ids, cells, strict=False)
    named = {name: "" if cell is None else str(cell).strip() for name, cell in pairs}
    return {name: group for name, group in named.items() if group}


def _compared(told: Sequence[bool | None]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Labels (N,) of what is compared, which records that are (N,), and whether it is a claim, in
    which suspects stand where members would.
    """
    member = np.array([said is True for said in told], bool)
    known = np.array([said is not None for said in told], bool)
    if not member.any() and not known.all():
        return ~known, np.ones_like(known), True
    return member, known, False


def _parts(
    ids: Sequence[str], signals: Mapping[str, np.ndarray], mask: np.ndarray
) -> list[tuple[tuple[str, ...], dict[str, np.ndarray]]]:
    """Ids and signals of the rows of the mask, and of the others."""
    found: list[tuple[tuple[str, ...], dict[str, np.ndarray]]] = []
    for rows in (mask, ~mask):
        numbers = {name: values[rows] for name, values in signals.items()}
        found.append((tuple(compress(ids, rows)), numbers))
    return found


def _check_kinds(member: np.ndarray, claim: bool, where: str) -> None:
    if member.all() or not member.any():
        kinds = "suspects" if claim else "members"
        only = kinds if member.all() else "hold-outs"
        raise UserError(f"{where}: holds {only} only; an audit compares {kinds} with hold-outs")


def _check_ids(ids: Sequence[str], where: str) -> None:
    seen: set[str] = set()
    twice = sorted({name for name in ids if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
    if twice:
        raise UserError(
            f"{where}: ids must be unique, found twice: {few(twice)}; remove or rename the copies"
        )


def _check_numbers(ids: Sequence[str], signals: Mapping[str, np.ndarray], where: str) -> None:
    if not signals:
        raise UserError(
            f"{where}: no signal column beside 'id' and 'member'; add one number per record"
        )
    for column, values in signals.items():
        bad = [ids[int(k)] for k in np.flatnonzero(~np.isfinite(values))]
        if bad:
            raise UserError(
                f"{where}: column '{column}' is not a finite number for {few(bad, 5)}; drop these "
                "rows or find out why the model answers NaN (half precision? a broken image?)"
            )


def _order(ids: Sequence[str]) -> list[int]:
    return sorted(range(len(ids)), key=ids.__getitem__)


def _ordered(signals: Mapping[str, np.ndarray], order: Sequence[int]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values, np.float64)[order] for name, values in signals.items()}
