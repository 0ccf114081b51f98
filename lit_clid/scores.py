"""The table at which the wings meet: `id · member · <signal columns>`.

It is kept as parquet beside the JSON of its `About`.

Larger signals are more member-like. Any judgement can be re-made from this table alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lit_clid.about import About, read_about
from lit_clid.errors import UserError, few
from lit_clid.files import whole, write_json
from lit_clid.tabular import choose_signals, read_columns

TRUE = {"1", "true", "yes", "member"}
FALSE = {"0", "false", "no", "nonmember", "non-member", "hold-out", "holdout"}


def parse_member(values: Sequence[Any], where: str) -> np.ndarray:
    """Read a member column (booleans, 0/1, "member"/"nonmember") as bool (N,).

    Raises:
        UserError: for a cell that is none of them.
    """
    words = [_word(value) for value in values]
    rows = enumerate(zip(words, values, strict=True), 1)
    bad = [f"row {k} ({value!r})" for k, (word, value) in rows if word not in TRUE | FALSE]
    if bad:
        raise UserError(f"{where}: column 'member' must hold true/false or 1/0, not {few(bad, 5)}")
    return np.array([word in TRUE for word in words])


def _word(value: Any) -> str:
    if isinstance(value, (bool, int, float, np.number)) and value in (0, 1):
        return str(int(value))
    word = str(value).strip().lower()
    return word[0] if re.fullmatch(r"[01]\.0*", word) else word


@dataclass(frozen=True)
class Scores:
    """Signals of N records about one model, checked and sorted by id.

    Args:
        ids: N unique record ids.
        member: bool (N,), true for records the model was trained on.
        signals: column name → float64 (N,), finite.
        about: how the table was made.
        where: name of the table for messages.
        aside: columns that were not taken for signals, each as "name: reason".

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

    def __post_init__(self) -> None:
        if not self.signals:
            raise UserError(
                f"{self.where}: no signal column beside 'id' and 'member'; add one number per "
                "record"
            )
        seen: set[str] = set()
        twice = sorted({name for name in self.ids if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
        if twice:
            raise UserError(
                f"{self.where}: ids must be unique, found twice: {few(twice)}; remove or rename "
                "the copies"
            )
        for column, values in self.signals.items():
            bad = [self.ids[k] for k in np.flatnonzero(~np.isfinite(values))]
            if bad:
                raise UserError(
                    f"{self.where}: column '{column}' is not a finite number for {few(bad, 5)}; "
                    "drop these rows or find out why the model answers NaN (half precision? a "
                    "broken image?)"
                )
        if self.member.all() or not self.member.any():
            only = "members" if self.member.all() else "hold-outs"
            raise UserError(
                f"{self.where}: holds {only} only; an audit compares members with hold-outs"
            )
        order = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        signals = {c: np.asarray(v, np.float64)[order] for c, v in self.signals.items()}
        object.__setattr__(self, "ids", tuple(self.ids[k] for k in order))
        object.__setattr__(self, "member", np.asarray(self.member, bool)[order])
        object.__setattr__(self, "signals", signals)

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """The signal columns `names` as (N, F) float64."""
        return np.stack([self.signals[name] for name in names], axis=1)

    def save(self, path: Path) -> None:
        """Write `path` (.parquet), and how it was made (.json) beside it; each appears whole."""
        write_json(path.with_suffix(".json"), self.about.as_json())
        write_parquet(path, self.ids, self.member, self.signals)

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
        member = parse_member(rows.pop("member"), str(path))
        ids = tuple(str(value) for value in rows.pop("id"))
        about, aside = read_about(path), tuple[str, ...]()
        if signals is not None or not about.attacks:
            names, aside = choose_signals(rows, member, index, signals, str(path))
            rows = {name: rows[name] for name in names}
        numbers = {name: _numbers(name, values, ids, path) for name, values in rows.items()}
        return cls(ids, member, numbers, about, str(path), aside)


def _numbers(name: str, values: Sequence[Any], ids: Sequence[str], path: Path) -> np.ndarray:
    numbers = np.full(len(values), np.nan)
    for k, value in enumerate(values):
        try:
            numbers[k] = np.nan if value is None or value == "" else float(value)
        except (TypeError, ValueError):
            raise UserError(
                f"{path}: column '{name}' holds {value!r} for {ids[k]}; signal columns hold "
                "numbers, remove any other"
            ) from None
    return numbers


def write_parquet(
    path: Path, ids: Sequence[str], member: np.ndarray, signals: Mapping[str, np.ndarray]
) -> None:
    """Write a table so that it appears whole or not at all."""
    with whole(path) as part:
        pq.write_table(pa.table({"id": list(ids), "member": member, **signals}), part)
