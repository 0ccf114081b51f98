"""The columns of a `datasets` table: which hold images and captions, and what the rows say.

Every function takes the table of N rows and, for its messages, the source's name.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_clid.config.options.data import DataOptions
from lit_clid.errors import UserError, few
from lit_clid.scores import parse_member

CAPTION_NAMES = (
    "text",
    "caption",
    "captions",
    "prompt",
    "txt",
    "sentence",
    "sentences",
    "description",
)
IMAGE_NAMES = ("image", "jpg", "png", "jpeg", "webp", "img", "picture")


def find_columns(dataset: Any, options: DataOptions, name: str) -> tuple[str, str]:
    """The image column and the caption column: those that `options` name, or the likeliest.

    Raises:
        UserError: if there is none.
    """
    columns: list[str] = dataset.column_names
    image = options.image_column or _image_column(dataset)
    caption = options.caption_column or _first(CAPTION_NAMES, columns)
    _require(image, "image", columns, name)
    _require(caption, "caption", columns, name)
    assert image is not None and caption is not None
    return image, caption


def _require(column: str | None, kind: str, columns: list[str], name: str) -> None:
    if column not in columns:
        named = f" {column!r}" if column else ""
        raise UserError(
            f"{name}: no {kind} column{named} (found: {few(columns)}); name it with "
            f"data.{kind}_column=NAME"
        )


def _image_column(dataset: Any) -> str | None:
    import datasets

    typed = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
    return typed[0] if typed else _first(IMAGE_NAMES, dataset.column_names)


def _first(names: Sequence[str], columns: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def read_members(dataset: Any, options: DataOptions, name: str) -> tuple[bool, ...] | None:
    """What the member column says of each row; None without one.

    Raises:
        UserError: if a column is named that is not there, or a cell says neither.
    """
    column, columns = options.member_column, dataset.column_names
    if column in columns:
        return tuple(parse_member(dataset[column][:], name).tolist())
    if column not in (None, DataOptions.member_column):
        raise UserError(
            f"data.member_column: {name} has no column '{column}' (found: {few(columns)}); name it "
            "right, or null for a random split"
        )
    return None


def read_captions(dataset: Any, column: str) -> list[tuple[str, ...]]:
    """Each row's caption, stripped and perhaps empty, and its further ones behind it."""
    return [_captions(value) for value in dataset[column][:]]


def _captions(value: Any) -> tuple[str, ...]:
    """A record's caption, the first of several and never a random one, and the others behind it."""
    if isinstance(value, dict):
        value = next((value[name] for name in CAPTION_NAMES if name in value), None)
    values = value if isinstance(value, (list, tuple)) else [value]
    first, *others = ["" if text is None else str(text).strip() for text in values] or [""]
    return first, *(text for text in others if text)


def read_rephrasings(dataset: Any, column: str, name: str) -> tuple[tuple[str, ...], ...]:
    """Each row's rephrasings, those that are not empty.

    Raises:
        UserError: if there is no such column.
    """
    _require_named(dataset, "rephrasings_column", column, name)
    cells = [_captions(value) for value in dataset[column][:]]
    return tuple(cell if cell[0] else cell[1:] for cell in cells)


def read_importances(
    dataset: Any, column: str, captions: Sequence[str], name: str
) -> tuple[tuple[float, ...], ...]:
    """Each row's importances, one number per word of its caption.

    Raises:
        UserError: if there is no such column, or a row has more numbers or fewer.
    """
    _require_named(dataset, "importance_column", column, name)
    values = [tuple(map(float, row or ())) for row in dataset[column][:]]
    pairs = enumerate(zip(values, captions, strict=True), 1)
    bad = [str(k) for k, (numbers, text) in pairs if len(numbers) != len(text.split())]
    if bad:
        raise UserError(
            f"{name}: column '{column}' needs one number per word of the caption; wrong in row "
            f"{few(bad)}"
        )
    return tuple(values)


def _require_named(dataset: Any, key: str, column: str, name: str) -> None:
    if column not in dataset.column_names:
        raise UserError(
            f"data.{key}: {name} has no column '{column}' (found: {few(dataset.column_names)})"
        )


def row_ids(dataset: Any, image: str, root: Path | None) -> tuple[str, ...]:
    """A unique name per row; repeats get `#row`.

    File names where the images are files of the folder `root`, keys of a webdataset, else numbers.

    Args:
        image: the column of images, not decoded.
    """
    names = tuple(f"row-{k:07d}" for k in range(len(dataset)))
    if "__key__" in dataset.column_names:
        names = tuple(dataset["__key__"][:])
    elif root is not None:
        names = _file_names(dataset, image, root.resolve()) or names
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name}#{row}" for row, name in enumerate(names))


def _file_names(dataset: Any, image: str, root: Path) -> tuple[str, ...]:
    """The images' paths below `root`; none unless every row is a file there."""
    if len(dataset) == 0 or (dataset[0][image] or {}).get("bytes") is not None:
        return ()
    cells = dataset.select_columns([image])[:][image]
    if not all(cell and cell["bytes"] is None and cell["path"] for cell in cells):
        return ()
    paths = [(root / cell["path"]).resolve() for cell in cells]
    if not all(path.is_relative_to(root) for path in paths):
        return ()
    return tuple(path.relative_to(root).as_posix() for path in paths)
