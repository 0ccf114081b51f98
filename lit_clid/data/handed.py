"""Records that Python code hands over in memory, as a source of their own.

What holds them may be a sequence of (image, caption) or of {"image": …, "caption": …}, a
`datasets.Dataset`, a table of pandas, a map-style data set such as PyTorch's, or anything that is
run through once. An image is of PIL, or the path of a file.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.config.options.data import MEMORY, DataOptions
from lit_clid.data.columns import CAPTION_NAMES, IMAGE_NAMES
from lit_clid.data.decoding import decode, upright
from lit_clid.data.images import FileImages, StoredImages
from lit_clid.data.metadata import Rows
from lit_clid.data.names import ROW, unique
from lit_clid.data.scan import hash_bytes, hash_pixels
from lit_clid.data.source import Source, from_rows
from lit_clid.data.table_rows import from_dataset
from lit_clid.data.text import printable
from lit_clid.errors import UserError, few
from lit_clid.ids import Ids

_HANDED: dict[str, Any] = {}


@contextmanager
def handed(given: Mapping[str, Any]) -> Iterator[None]:
    """Within this, `data.source: memory` with a name as its path means the records of that name."""
    before = dict(_HANDED)
    _HANDED.update(given)
    try:
        yield
    finally:
        _HANDED.clear()
        _HANDED.update(before)


def open_handed(options: DataOptions) -> Source:
    """The source that `options` name.

    Raises:
        UserError: if nobody handed it over, or as `given_source`.
    """
    name = options.path or ""
    if name not in _HANDED:
        raise UserError(
            f"data.source: '{MEMORY}' stands for records that Python code hands to lit_clid.train "
            "or lit_clid.audit; call these again with the records, or name a folder or file"
        )
    return given_source(_HANDED[name], name, options)


def given_source(given: Any, name: str, options: DataOptions) -> Source:
    """What someone hands over as a source.

    Args:
        name: of the records, for messages.
        options: which columns hold what.

    Raises:
        UserError: for anything that holds no records, naming the first that is none.
    """
    if isinstance(given, Source):
        return given
    if is_dataset(given):
        plain = given.with_format(None)  # a transform is for training
        source = from_dataset(plain, options, name, [], allowed=_listed(plain))
        return replace(source, ids=_ids(source)) if _is_numbered(source) else source
    if type(given).__name__ == "DataFrame" and hasattr(given, "to_dict"):
        return _of_records(given.to_dict("records"), name, options)
    if isinstance(given, Mapping) or not (isinstance(given, Iterable) or is_map_style(given)):
        _refuse(given, name)
    if isinstance(given, Sequence) or not is_map_style(given):
        return _of_records(given, name, options)
    source = _of_records((given[row] for row in range(len(given))), name, options, keep=False)
    return replace(source, open_image=FetchedImages(given, name, options))


def _is_numbered(source: Source) -> bool:
    """Whether rows have no names of their own."""
    return source.ids[:1] == (ROW.format(0),)


def _ids(source: Source) -> Ids:
    """Names of rows by the bytes of their images: numbers would call other records the same."""
    images, names = source.open_image, list[str]()
    assert isinstance(images, StoredImages)
    for row in range(len(source.ids)):
        try:
            names.append(hash_bytes(images.content(row)))
        except (OSError, ValueError):  # whoever reads the row says what is wrong with it
            names.append(ROW.format(row))
    return unique(names)


def is_dataset(given: Any) -> bool:
    """True for a table of `datasets`, which is not imported for anything else."""
    library = sys.modules.get("datasets")
    return library is not None and isinstance(given, library.Dataset)


def is_map_style(given: Any) -> bool:
    """True for a map-style data set, such as PyTorch's."""
    indexed = {"__len__", "__getitem__"} <= set(dir(type(given)))
    return indexed and not isinstance(given, Mapping)


def _refuse(given: Any, name: str) -> None:
    if type(given).__name__.endswith("DatasetDict"):
        raise UserError(f"{name}: hold several splits; hand over one of {few(list(given))}")
    raise UserError(
        f"{name} are of type {type(given).__name__}; give a sequence of (image, caption), a "
        "datasets.Dataset, or a folder"
    )


@dataclass(frozen=True)
class GivenImages:
    """Images by row, as they were given or in files."""

    images: tuple[Image.Image | Path, ...]

    def __call__(self, row: int) -> Image.Image:
        return _rgb(self.images[row])


@dataclass(frozen=True)
class FetchedImages:
    """Images of a map-style data set by row, fetched when they are looked at."""

    given: Any
    name: str
    options: DataOptions

    def __call__(self, row: int) -> Image.Image:
        return _rgb(_record(self.given[row], f"{self.name}[{row}]", self.options)[0])


def _rgb(image: Image.Image | Path) -> Image.Image:
    return decode(image) if isinstance(image, Path) else upright(image)


def _of_records(
    records: Iterable[Any], name: str, options: DataOptions, *, keep: bool = True
) -> Source:
    """A source of single records, named after their files, or else after what they show.

    Args:
        keep: their images; otherwise they stay to be opened.
    """
    images: list[Image.Image | Path] = []
    names: list[str] = []
    cells: list[dict[str, Any]] = []
    for k, record in enumerate(records):
        image, told = _record(record, f"{name}[{k}]", options)
        names.append(_name(image, f"{name}[{k}]"))
        cells.append(told)
        if keep:
            images.append(image)
    source = from_rows(Rows(cells), options, name)
    return replace(source, ids=unique(names), open_image=_opener(images))


def _opener(images: Sequence[Image.Image | Path]) -> Callable[[int], Image.Image]:
    files = [image for image in images if isinstance(image, Path)]
    return FileImages.of(files) if len(files) == len(images) else GivenImages(tuple(images))


def _record(
    record: Any, where: str, options: DataOptions
) -> tuple[Image.Image | Path, dict[str, Any]]:
    """A record's image, and its other cells by column."""
    if isinstance(record, Mapping):
        column = options.image_column or next((n for n in IMAGE_NAMES if n in record), "image")
        image, cells = record.get(column), {k: v for k, v in record.items() if k != column}
    elif isinstance(record, (tuple, list)) and len(record) == 2:
        image, cells = record[0], {options.caption_column or CAPTION_NAMES[0]: record[1]}
    elif options.captions is not None:
        image, cells = record, {}
    else:
        raise UserError(f"{where} is no pair (image, caption)")
    if isinstance(image, (str, PathLike)):
        image = Path(fspath(image)).expanduser()
    if not isinstance(image, (Image.Image, Path)):
        raise UserError(
            f"the image of {where} is of type {type(image).__name__}; give one of PIL or the path "
            "of a file"
        )
    return image, cells


def _name(image: Image.Image | Path, where: str) -> str:
    if isinstance(image, Path):
        return printable(str(image))
    try:
        return hash_pixels(upright(image))
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"the image of {where} does not decode ({error})") from None


def _listed(dataset: Any) -> tuple[Path, ...] | None:
    """The folder of the images that a builder of `datasets` found by itself, or that this very
    process named; None where paths come from the data.
    """
    made_here = dataset.info.builder_name is None and not dataset.cache_files
    if dataset.info.builder_name != "imagefolder" and not made_here:
        return None
    column = next(iter(dataset.features))
    for name, feature in dataset.features.items():
        column = name if type(feature).__name__ == "Image" else column
    import datasets

    plain = dataset.select_columns([column]).cast_column(column, datasets.Image(decode=False))
    paths = [cell["path"] for cell in plain[:][column] if cell and cell["bytes"] is None]
    local = [path for path in paths if path and Path(path).is_absolute()]
    if not local:
        return None
    folders = {str(Path(path).parent) for path in local}
    return (Path(os.path.commonpath(folders)).resolve(),)
