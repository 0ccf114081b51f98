"""The columns of a `datasets` table: which hold images and captions, and what the rows say.

Every function takes the table of N rows and, for its messages, the source's name.
"""

import json
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from lit_clid.cells import parse_known
from lit_clid.config.options.data import DataOptions
from lit_clid.data.text import as_text
from lit_clid.data.texts import Lists, TextColumn
from lit_clid.errors import UserError, few

CAPTION_NAMES = (
    *("text", "caption", "captions", "prompt"),
    *("txt", "sentence", "sentences", "description"),
)
TOGETHER = 1024
"""Cells of a column that are objects at a time."""
WRITTEN = "have a model write captions for all with data.captions=MODEL"
"""What those can do who have none."""
IMAGE_NAMES = (
    *("image", "jpg", "png", "jpeg", "webp", "img", "picture"),
    *("file_name", "image_path", "path", "filepath", "file_path", "filename", "file"),
)


def find_image(dataset: Any, options: DataOptions, name: str) -> str:
    """The image column: the one that `options` name, or the likeliest.

    Raises:
        UserError: if there is none.
    """
    return _required(
        options.image_column or _image_column(dataset), "image", dataset.column_names, name
    )


def find_captions(rows: Any, options: DataOptions, name: str) -> list[str]:
    """The caption columns: those that `options` name, or the likeliest one.

    Raises:
        UserError: if there is none.
    """
    columns = rows.column_names
    found = _named_captions(options, columns)
    if found:
        return found
    return [_required(options.caption_column, "caption", columns, name)]


def _named_captions(options: DataOptions, columns: Sequence[str]) -> list[str]:
    """The columns that hold captions: the one of that name, those that match the pattern, or the
    likeliest.
    """
    named = options.caption_column or _first(CAPTION_NAMES, columns)
    if named is None or named in columns:
        return [] if named is None else [named]
    return [column for column in columns if fnmatchcase(column, named)]


def used_columns(options: DataOptions, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns that are read: the ones that `options` name, and the likeliest."""
    image = options.image_column or _first(IMAGE_NAMES, columns)
    others = (
        *_named_captions(options, columns),
        options.member_column,
        options.group_column,
        options.importance_column,
        options.rephrasings_column,
    )
    return tuple(name for name in (image, *others) if name in columns and name)


def _required(column: str | None, kind: str, columns: list[str], name: str) -> str:
    if column is None or column not in columns:
        named = f" {column!r}" if column else ""
        written = f", or {WRITTEN}" if kind == "caption" else ""
        raise UserError(
            f"{name}: no {kind} column{named} (found: {_named(columns)}); name it with "
            f"data.{kind}_column=NAME{written}"
        )
    return column


def _image_column(dataset: Any) -> str | None:
    import datasets

    typed = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
    return typed[0] if typed else _first(IMAGE_NAMES, dataset.column_names)


def _first(names: Sequence[str], columns: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def read_members(dataset: Any, options: DataOptions, name: str) -> tuple[bool | None, ...] | None:
    """What the member column says of each row, None where its cell is empty; None without one.

    Raises:
        UserError: if a column is named that is not there, or a cell says neither.
    """
    column, columns = options.member_column, dataset.column_names
    if column in columns:
        member, known = parse_known(dataset[column][:], name)
        pairs = zip(member.tolist(), known.tolist(), strict=True)
        return tuple(said if told else None for said, told in pairs)
    if column not in (None, DataOptions.member_column):
        raise UserError(
            f"data.member_column: {name} has no column '{column}' (found: {_named(columns)}); name "
            "it right, or null for a random split"
        )
    return None


def read_groups(rows: Any, options: DataOptions) -> Sequence[str] | None:
    """What the group column says of each row, empty where it says nothing; None without one."""
    column = options.group_column
    if column is None or column not in rows.column_names:
        return None
    return TextColumn("" if cell is None else str(cell).strip() for cell in cells_of(rows, column))


def cells_of(rows: Any, column: str) -> Iterator[Any]:
    """The cells of a column, which are objects some at a time."""
    cells = rows[column]
    for start in range(0, len(rows), TOGETHER):
        yield from cells[start : start + TOGETHER]


def read_all_captions(rows: Any, columns: Sequence[str], name: str) -> Iterator[tuple[str, ...]]:
    """The same of several columns, the first of which holds the caption if it has one."""
    if len(columns) == 1:
        yield from read_captions(rows, columns[0], name)
        return
    for row in zip(*(read_captions(rows, column, name) for column in columns), strict=True):
        told = tuple(text for text in chain(*row) if text)
        yield told or ("",)


def read_captions(rows: Any, column: str, name: str) -> Iterator[tuple[str, ...]]:
    """Each row's caption, stripped and perhaps empty, and its further ones behind it.

    Raises:
        UserError: if a cell is not text.
    """
    where = f"{name}: column '{column}' in row"
    for k, value in enumerate(cells_of(rows, column), 1):
        yield captions_of(value, f"{where} {k}")


def captions_of(value: Any, where: str) -> tuple[str, ...]:
    """A record's caption, the first of several and never a random one, and the others behind it."""
    if isinstance(value, dict):
        value = next((value[name] for name in CAPTION_NAMES if name in value), None)
    values = value if isinstance(value, (list, tuple)) else [value]
    first, *others = [as_text(text, where).strip() for text in values] or [""]
    return first, *(text for text in others if text)


def read_rephrasings(dataset: Any, column: str, name: str) -> Lists:
    """Each row's rephrasings, those that are not empty.

    Raises:
        UserError: if there is no such column.
    """
    _require_named(dataset, "rephrasings_column", column, name)
    cells = read_captions(dataset, column, name)
    return Lists(cell if cell[0] else cell[1:] for cell in cells)


def read_importances(
    dataset: Any, column: str, captions: Sequence[str], name: str
) -> tuple[tuple[float, ...], ...]:
    """Each row's importances, one number per word of its caption.

    Raises:
        UserError: if there is no such column, or a row has more numbers or fewer.
    """
    _require_named(dataset, "importance_column", column, name)
    values = [_numbers(row, f"{name}: column '{column}'") for row in dataset[column][:]]
    pairs = enumerate(zip(values, captions, strict=True), 1)
    bad = [str(k) for k, (numbers, text) in pairs if len(numbers) != len(text.split())]
    if bad:
        raise UserError(
            f"{name}: column '{column}' needs one number per word of the caption; wrong in row "
            f"{few(bad)}"
        )
    return tuple(values)


def _numbers(cell: Any, where: str) -> tuple[float, ...]:
    """The numbers of a cell, a list or its JSON."""
    try:
        if isinstance(cell, bytes):
            raise TypeError
        return tuple(map(float, (json.loads(cell) if isinstance(cell, str) else cell) or ()))
    except (ValueError, TypeError):
        raise UserError(f"{where} needs lists of numbers, not {str(cell)[:40]!r}") from None


def _require_named(dataset: Any, key: str, column: str, name: str) -> None:
    if column not in dataset.column_names:
        raise UserError(
            f"data.{key}: {name} has no column '{column}' (found: {_named(dataset.column_names)})"
        )


def _named(columns: Sequence[str]) -> str:
    return few(columns) or "nothing"
