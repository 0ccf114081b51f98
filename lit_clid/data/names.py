"""The names of the rows of a table: file names, keys or numbers, each once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lit_clid.data.columns import cells_of
from lit_clid.data.text import printable
from lit_clid.data.texts import TextColumn
from lit_clid.errors import UserError
from lit_clid.ids import Ids

ROW = "row-{:07d}"
"""The name of a row that has none."""


def row_ids(dataset: Any, image: str, root: Path | None) -> Ids:
    """A unique name per row; repeats get `#row`.

    File names where the images are files of the folder `root`, keys of a webdataset, else numbers.

    Args:
        image: the column of images, not decoded.
    """
    if "__key__" in dataset.column_names:
        return unique(cells_of(dataset, "__key__"))
    found = None if root is None else _file_names(dataset, image, root.resolve())
    return unique(map(ROW.format, range(len(dataset))) if found is None else found)


def unique(names: Iterable[str], rows: Iterable[int] | None = None) -> Ids:
    """Names of rows, those that repeat with their row number.

    Args:
        rows: their numbers; None counts them.
    """
    ids = Ids(names)
    order = ids.order()
    again = np.append(ids.take(order).repeats(), False)
    if not again.any():
        return ids
    several = np.zeros(len(ids), bool)
    several[order] = again[:-1] | again[1:]
    told = zip(ids, several.tolist(), range(len(ids)) if rows is None else rows, strict=True)
    return Ids(f"{name}#{row}" if repeats else name for name, repeats, row in told)


def require_one_folder(dataset: Any, image: str, name: str) -> None:
    """Refuse images by relative paths in files of several folders: each means its own.

    Raises:
        UserError: naming the first such row.
    """
    if _holds_bytes(dataset, image):
        return
    for k, cell in enumerate(cells_of(dataset.select_columns([image]), image), 1):
        if cell and cell["bytes"] is None and cell["path"] and not Path(cell["path"]).is_absolute():
            raise UserError(
                f"{name}: row {k} names its image by a relative path ({printable(cell['path'])}), "
                "and the files lie in several folders; read one folder at a time"
            )


def _holds_bytes(dataset: Any, image: str) -> bool:
    return len(dataset) == 0 or (dataset[0][image] or {}).get("bytes") is not None


def _file_names(dataset: Any, image: str, root: Path) -> TextColumn | None:
    """The images' paths below `root`; none unless every row is a file there."""
    if _holds_bytes(dataset, image):
        return None
    names = TextColumn()
    for cell in cells_of(dataset.select_columns([image]), image):
        if not cell or cell["bytes"] is not None or not cell["path"]:
            return None
        path = (root / cell["path"]).resolve()
        if not path.is_relative_to(root):
            return None
        names.append(printable(path.relative_to(root).as_posix()))
    return names
