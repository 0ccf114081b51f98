"""Lists of images by their paths, as CSV, TSV, JSON lines, parquet or SQLite tables."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lit_clid.config.options.data import DataOptions
from lit_clid.data.folder import Listing, find_images
from lit_clid.data.groups import FOLDER, by_folder
from lit_clid.data.metadata import Row, Rows, read_rows
from lit_clid.data.names import unique
from lit_clid.data.source import Source, from_rows
from lit_clid.data.sqlite import read_sqlite
from lit_clid.data.text import as_text, printable
from lit_clid.data.texts import Paths, TextColumn
from lit_clid.errors import UserError, few

SQLITE = (".sqlite", ".sqlite3", ".db")
PATHS = (
    *("file_name", "image_path", "path", "filepath", "file_path", "filename", "file"),
    *("image", "img", "picture"),
)
"""Usual names of a column of paths."""

ELSEWHERE = ", or name the folder that the paths start from with data.root=FOLDER"


def read_lists(files: Sequence[Path], options: DataOptions, name: str) -> Source:
    """The records that lists name.

    Paths are relative to the folder of their list, or to `data.root`, and may not leave it.

    Raises:
        UserError: for a list that cannot be read, or a row that names no image in that folder.
    """
    rows, images, names = Rows(), Paths(), TextColumn()
    for file in files:
        numbers, found = _read(file, options)
        root = file.parent if options.root is None else find_root(options.root, name)
        told = Listing(root, Paths())
        column = _column(file, found, options)
        pairs = zip(numbers, found[column], strict=True)
        paths = TextColumn(as_text(cell, f"{file}: {column} in row {k}") for k, cell in pairs)
        named = find_images(told, file, root, paths, ELSEWHERE)
        (real,) = told.store.real([root])
        for each in told.store.real(named):
            names.append(printable(each.relative_to(real).as_posix()))
        rows.extend(found)
        images.extend(named)
    source = replace(
        from_rows(rows, options, name),
        ids=unique(names),
        open_image=Listing(files[0].parent, Paths()).store.images(images),
    )
    return by_folder(source) if options.group_column == FOLDER else source


def _read(file: Path, options: DataOptions) -> tuple[Sequence[int], Rows]:
    """The rows of a list, and their numbers in it."""
    if file.suffix.lower() in SQLITE:
        told: Iterable[tuple[int, Row]] = read_sqlite(file, options.config)
    else:
        wanted = PATHS if options.image_column is None else (options.image_column,)
        told = read_rows(file, file.read_bytes(), wanted)
    numbers, rows = array("q"), Rows()
    for k, row in told:
        numbers.append(k)
        rows.append(row)
    if not numbers:
        raise UserError(f"{file}: no rows; give a list that has some")
    return numbers, rows


def find_root(root: str, name: str) -> Path:
    """The folder that paths start from.

    Raises:
        UserError: if there is none.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise UserError(
            f"data.root: no folder {root}; give the one that the paths of {name} start from"
        )
    return folder


def _column(file: Path, rows: Rows, options: DataOptions) -> str:
    """The column of paths."""
    known = (options.image_column,) if options.image_column is not None else PATHS
    found = next((name for name in known if name in rows.column_names), None)
    if found is None:
        asked = "" if options.image_column is None else f" {options.image_column!r}"
        raise UserError(
            f"{file}: no column of paths{asked} (found: {few(rows.column_names)}); name it with "
            "data.image_column=NAME"
        )
    return found
