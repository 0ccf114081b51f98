"""Lists of images by their paths, as CSV, TSV, JSON lines, parquet or SQLite tables."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lit_clid.config.options.data import DataOptions
from lit_clid.data.columns import unique
from lit_clid.data.folder import Listing, find_images
from lit_clid.data.groups import FOLDER, by_folder
from lit_clid.data.metadata import Row, Rows, read_rows
from lit_clid.data.source import Source, from_rows
from lit_clid.data.sqlite import read_sqlite
from lit_clid.data.text import as_text, printable
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
    rows: list[Row] = []
    images: list[Path] = []
    names: list[str] = []
    for file in files:
        found = _read(file, options)
        root = file.parent if options.root is None else find_root(options.root, name)
        told = Listing(root, ())
        column = _column(file, Rows([row for _, row in found]), options)
        paths = [as_text(row.get(column), f"{file}: {column} in row {k}") for k, row in found]
        named = find_images(told, file, root, paths, ELSEWHERE)
        (real,) = told.store.real([root])
        names += [printable(each.relative_to(real).as_posix()) for each in told.store.real(named)]
        rows += [row for _, row in found]
        images += named
    source = replace(
        from_rows(Rows(rows), options, name),
        ids=unique(names),
        open_image=Listing(files[0].parent, ()).store.images(images),
    )
    return by_folder(source) if options.group_column == FOLDER else source


def _read(file: Path, options: DataOptions) -> list[tuple[int, Row]]:
    if file.suffix.lower() in SQLITE:
        rows = read_sqlite(file, options.config)
    else:
        wanted = PATHS if options.image_column is None else (options.image_column,)
        rows = read_rows(file, file.read_bytes(), wanted)
    if not rows:
        raise UserError(f"{file}: no rows; give a list that has some")
    return rows


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
