"""Tables from elsewhere, CSV or parquet, and which of their columns can be signals.

An index, a copy of the labels or a counter would be judged as a perfect attack.
"""

import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from lit_clid.cells import Cells, as_numbers, list_of
from lit_clid.errors import UserError, few, first_line
from lit_clid.files import read_text

INDEX = re.compile(r"|Unnamed: \d+(_level_\d+)?|index|level_\d+|__index_level_\d+__")
"""Names under which pandas writes an index."""
SEPARATORS = (",", ";", "\t", "|", " ")
TOLD = re.compile(r"sep=(.)\r?\n")
"""A first line that names the separator, as spreadsheets write it."""
FEW = 20
"""Whole numbers of at most so many values may be folds, seeds or timesteps."""
ENOUGH = 8
"""Records from which on an order, or a copy of the labels, is no accident."""
COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
Columns = dict[str, Cells]


def read_columns(path: Path) -> tuple[Columns, tuple[str, ...]]:
    """The columns of a table, parquet or CSV, and the names of those that are its index.

    Raises:
        UserError: if it is neither.
    """
    with path.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
    if parquet or path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(path)
    return _read_csv(path), ()


def _read_csv(path: Path) -> Columns:
    csv.field_size_limit(sys.maxsize)
    text = read_text(path)
    told = TOLD.match(text)
    if told:
        text = text[told.end() :]
    sign = told.group(1) if told else _separator(text)
    found = _at_once(text, sign) or _line_by_line(path, text, sign, 2 if told else 1)
    names = [name.strip() for name, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise UserError(f"{path}: columns named twice: {few(twice)}; rename one of each")
    columns: Columns = {}
    for name, (_, cells) in zip(names, found, strict=True):
        columns[name] = cells if sign == "," else list(map(_point, list_of(cells)))
    return columns


def _at_once(text: str, sign: str) -> list[tuple[str, Cells]] | None:
    """Names and cells of the columns, as texts; None where anything is odd about the table."""
    header = io.StringIO(text, newline="").readline()
    plain = dict.fromkeys((f"f{k}" for k in range(header.count(sign) + 1)), pa.string())
    try:
        table = pv.read_csv(
            io.BytesIO(text.encode()),
            pv.ReadOptions(autogenerate_column_names=True),
            pv.ParseOptions(delimiter=sign, newlines_in_values=True),
            pv.ConvertOptions(column_types=plain, strings_can_be_null=False),
        )
    except (pa.ArrowException, ValueError):
        return None
    if any(kind != pa.string() for kind in table.schema.types):  # a header of several lines
        return None
    names = [str(column[0]) for column in table.columns]
    return list(zip(names, table.slice(1).columns, strict=True))


def _line_by_line(path: Path, text: str, sign: str, first: int) -> list[tuple[str, Cells]]:
    """The same, where a line that is at fault is named.

    Args:
        first: number of the first line.
    """
    try:
        rows = list(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=sign), first))
    except (csv.Error, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a CSV table ({error})") from None
    (_, header), *body = [numbered for numbered in rows if numbered[1]] or [(1, list[str]())]
    for k, row in body:
        if len(row) != len(header):
            raise UserError(
                f"{path}: line {k} has {len(row)} fields, the header has {len(header)}; mend that "
                f"line (fields are parted by {sign!r})"
            )
    columns = list(zip(*(row for _, row in body), strict=True)) or [()] * len(header)
    return list(zip(header, columns, strict=True))


def _separator(text: str) -> str:
    """The sign between the columns `id` and `member` of the header."""
    header = io.StringIO(text, newline="").readline()
    for sign in SEPARATORS:
        cells = {cell.strip() for cell in next(csv.reader([header], delimiter=sign), [])}
        if {"id", "member"} <= cells:
            return sign
    return ","


def _point(cell: str) -> str:
    """A number with a decimal comma, with a point."""
    return cell.replace(",", ".") if COMMA.fullmatch(cell.strip()) else cell


def _read_parquet(path: Path) -> tuple[Columns, tuple[str, ...]]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            plain = [name for name in schema.names if not _opaque(schema.field(name).type)]
            index = (schema.pandas_metadata or {}).get("index_columns", ())
            found: Columns = {name: [] for name in schema.names}
            table = file.read(plain)
            found |= dict(zip(plain, table.columns, strict=True))
            return found, tuple(map(str, index))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{path}: not a parquet table ({first_line(error)}); give parquet or .csv"
        ) from None


def _opaque(kind: Any) -> bool:
    """Lists, images and the like, which hold no signal."""
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind))


def choose_signals(
    columns: Mapping[str, Cells],
    member: np.ndarray,
    index: Sequence[str],
    wanted: Sequence[str] | None,
    where: str,
) -> tuple[list[str], tuple[str, ...]]:
    """Which columns are signals, and which were set aside, each as "name: reason".

    Args:
        columns: without `id` and `member`.
        member: bool (N,).
        index: names of the index's columns.
        wanted: columns to take, whatever they look like; None takes what can be a signal.

    Raises:
        UserError: if a wanted column is missing or repeats the labels, or no signal is left.
    """
    if wanted is not None:
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise UserError(
                f"{where}: no column {few(missing)} (found: {few(list(columns))}); target and "
                "shadow tables need the same columns"
            )
        for name in wanted:
            numbers = as_numbers(columns[name])
            if numbers is not None and len(numbers) >= ENOUGH and _repeats(numbers, member):
                raise UserError(f"{where}: column '{name}' repeats the labels; it is no signal")
        return list(wanted), ()
    reasons: dict[str, str | None] = {}
    for name, cells in columns.items():
        indexed = name in index or INDEX.fullmatch(name)
        reasons[name] = "an index" if indexed else _no_signal(cells, member)
    kept = [name for name in columns if reasons[name] is None]
    out = {name or "(no name)": why for name, why in reasons.items() if why is not None}
    aside = tuple(map(": ".join, out.items()))
    if not kept and aside:
        raise UserError(
            f"{where}: no column is taken for a signal ({few(list(aside))}); name those that are "
            "with signals=[NAME, …]"
        )
    return kept, aside


def _no_signal(cells: Cells, member: np.ndarray) -> str | None:
    """Why a column is none, or None if it can be one."""
    numbers = as_numbers(cells)
    if numbers is None:
        return "not numbers"
    if not np.isfinite(numbers).all():
        return None  # refused by name later
    if len(numbers) < ENOUGH:
        return None
    if (numbers == numbers[0]).all():
        return "says the same of every record"
    if _repeats(numbers, member):
        return "repeats the labels"
    inside, outside = numbers[member], numbers[~member]
    parts = inside.min() > outside.max() or inside.max() < outside.min()
    steps = np.diff(numbers)
    ordered = bool((steps >= 0).all() or (steps <= 0).all())
    if ordered and parts:
        return "orders the labels row by row"
    if (numbers != np.round(numbers)).any():
        return None
    distinct = len(np.unique(numbers))
    if ordered or (distinct == len(numbers) and np.ptp(numbers) == len(numbers) - 1):
        return "counts the rows"
    if distinct == len(numbers) and parts:
        return "whole numbers that order the labels"
    if distinct <= FEW and distinct * 5 <= len(numbers):
        return f"whole numbers of {distinct} values, as folds, seeds or timesteps are"
    return None


def _repeats(numbers: np.ndarray, member: np.ndarray) -> bool:
    inside, outside = np.unique(numbers[member]), np.unique(numbers[~member])
    return len(inside) == len(outside) == 1 and bool(inside[0] != outside[0])
