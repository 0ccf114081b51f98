"""Cells of a table's columns as numbers, texts and labels.

A column stays as it was read, of parquet or as the texts of CSV, and no object is made of a
cell where its type says what it is.
"""

import re
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lit_clid.errors import UserError, few
from lit_clid.ids import Ids

Cells = Any
"""A column: a list of cells, or one of a parquet file."""
TRUE = {"1", "true", "yes", "member"}
FALSE = {"0", "false", "no", "nonmember", "non-member", "hold-out", "holdout"}
UNKNOWN = {"", "none", "nan", "<na>", "unknown", "suspect"}
"""How a table says that nobody knows."""


def as_numbers(cells: Cells) -> np.ndarray | None:
    """A column as numbers, NaN where a cell is none; None if hardly a cell is one."""
    numbers = _numeric(cells)
    if numbers is None:
        numbers = np.array([_number(cell) for cell in list_of(cells)], np.float64)
    return None if np.isnan(numbers).sum() * 2 > len(numbers) or not len(numbers) else numbers


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def parse_known(cells: Cells, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a member column whose empty cells are suspects: who is a member, and of whom it is
    known, both bool (N,).

    Raises:
        UserError: for a cell that is neither empty nor says it.
    """
    if isinstance(cells, pa.ChunkedArray) and pa.types.is_boolean(cells.type):
        known = cells.is_valid().to_numpy()
        return cells.fill_null(False).to_numpy(), known
    values = list_of(cells)
    words = [_word(value) for value in values]
    _check_words(words, values, TRUE | FALSE | UNKNOWN, where)
    member = np.array([word in TRUE for word in words], bool)
    return member, np.array([word not in UNKNOWN for word in words], bool)


def _check_words(words: Sequence[str], values: Sequence[Any], known: set[str], where: str) -> None:
    rows = enumerate(zip(words, values, strict=True), 1)
    bad = [f"row {k} ({value!r})" for k, (word, value) in rows if word not in known]
    if bad:
        raise UserError(f"{where}: column 'member' must hold true/false or 1/0, not {few(bad, 5)}")


def _word(value: Any) -> str:
    if isinstance(value, (bool, int, float, np.number)) and value in (0, 1):
        return str(int(value))
    word = str(value).strip().lower()
    return word[0] if re.fullmatch(r"[01]\.0*", word) else word


def numbers_of(name: str, cells: Cells, ids: Sequence[str], path: Path) -> np.ndarray:
    """A column's cells as float64 (N,), NaN where empty."""
    found = _numeric(cells)
    if found is not None:
        return found
    values = list_of(cells)
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


def texts_of(cells: Cells) -> Ids:
    """A column's cells as texts."""
    if isinstance(cells, pa.ChunkedArray):
        is_text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
        if is_text and not cells.null_count:
            return Ids(cells)
    return Ids(map(str, list_of(cells)))


def texts_by_id(ids: Ids, cells: Cells) -> dict[str, str]:
    """id → text of the rows whose cell is not empty."""
    rows = np.arange(len(cells))
    if isinstance(cells, pa.ChunkedArray):
        rows = np.flatnonzero(cells.is_valid().to_numpy())
        cells = cells.drop_null()
    pairs = zip(ids.take(rows), list_of(cells), strict=True)
    named = {name: "" if cell is None else str(cell).strip() for name, cell in pairs}
    return {name: text for name, text in named.items() if text}


def rows_of(cells: Cells, mask: np.ndarray) -> Cells:
    """A column's cells where the mask (N,) is true."""
    if isinstance(cells, pa.ChunkedArray):
        return cells if mask.all() else cells.filter(pa.array(mask))
    return list(compress(cells, mask))


def list_of(cells: Cells) -> list[Any]:
    """A column's cells as objects."""
    return cells.to_pylist() if isinstance(cells, pa.ChunkedArray) else list(cells)


def _numeric(cells: Cells) -> np.ndarray | None:
    """A column of integers or floats as float64 (N,), NaN where empty; None for any other."""
    if not isinstance(cells, pa.ChunkedArray):
        return None
    if not pa.types.is_integer(cells.type) and not pa.types.is_floating(cells.type):
        return None
    numbers: np.ndarray = cells.cast(pa.float64(), safe=False).to_numpy()
    return numbers
