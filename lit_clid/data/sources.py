"""Sources: any `datasets` source, or the embedded drawings, as ids, captions and images by row
number.
"""

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.folder import IMAGE_ENDINGS, captions_beside, check_metadata
from lit_clid.data.images import EMBEDDED, DrawnImages, FileImages, TableImages
from lit_clid.errors import UserError, few, first_line
from lit_clid.scores import parse_member

BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset"}
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


@dataclass(frozen=True)
class Source:
    """N captioned images.

    Args:
        name: for messages.
        ids: unique names of the rows (file names where there are files).
        captions: stripped captions; an empty string where the row has none.
        others: further captions or rephrasings per row.
        open_image: row number → RGB image; raises OSError, ValueError or SyntaxError if it does not
            decode.
        member: per row, if the source says so.
        importance: word importances per row, if a column holds them.
        unlisted: images of the folder that no metadata row names.
    """

    name: str
    ids: tuple[str, ...]
    captions: tuple[str, ...]
    open_image: Callable[[int], Image.Image]
    member: tuple[bool, ...] | None = None
    importance: tuple[tuple[float, ...] | None, ...] | None = None
    unlisted: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] | None = None


def open_source(options: DataOptions, *, nonmembers: bool = False) -> Source:
    """Open the source of `options`, or the second one for hold-outs.

    Raises:
        UserError: if it does not exist or has no image or caption column.
    """
    source = options.nonmember_source if nonmembers else options.source
    path = options.nonmember_path if nonmembers else options.path
    assert source is not None
    if source in EMBEDDED:
        return _draw(source, options)
    if source == "imagefolder":
        return _imagefolder(options, path)
    pattern = path if source in BUILDERS.values() else source
    if pattern is None:
        raise UserError(
            f"data.path: source '{source}' needs a file or pattern, such as "
            f"data.path=records/*.{source}"
        )
    ending = Path(pattern).suffix
    if source in BUILDERS.values() or ending in BUILDERS:
        builder = source if source in BUILDERS.values() else BUILDERS[ending]
        return _files(options, builder, pattern)
    return _hub(options, source)


def _draw(family: str, options: DataOptions) -> Source:
    """As many embedded drawings as the two roles need, each caption once."""
    if options.members is None or options.nonmembers is None:
        raise UserError(
            f"data.members, data.nonmembers: the embedded {family} are unlimited; say how many of "
            "each"
        )
    seen: dict[str, tuple[int, tuple[str, ...]]] = {}
    index = 0
    while len(seen) < 2 * (options.members + options.nonmembers):
        drawing = EMBEDDED[family](index)
        seen.setdefault(drawing.caption, (index, drawing.rephrasings))
        index += 1
    numbers, others = zip(*seen.values(), strict=True)
    ids = tuple(f"{family[:-1]}-{number}" for number in numbers)
    return Source(family, ids, tuple(seen), DrawnImages(family, numbers), others=others)


def _imagefolder(options: DataOptions, path: str | None) -> Source:
    folder = Path(path).expanduser() if path else None
    if folder is None or not folder.is_dir():
        raise UserError(
            f"data.path: no folder {path or '(none given)'}; give the folder that holds the images"
        )
    metadata = [
        file
        for pattern in ("metadata.jsonl", "metadata.csv", "metadata.parquet")
        for file in folder.rglob(pattern)
    ]
    images = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in IMAGE_ENDINGS]
    if not images:
        raise UserError(
            f"{folder}: no images ({', '.join(IMAGE_ENDINGS)}); give the folder that holds them"
        )
    if not metadata:
        ids = tuple(image.relative_to(folder).as_posix() for image in images)
        return Source(str(folder), ids, captions_beside(folder, images), FileImages(tuple(images)))
    listed = {name for file in metadata for name in check_metadata(file)}
    in_split = [file for file in metadata if file.is_relative_to(folder / options.split)]
    everything = {} if in_split else {"data_files": {options.split: "**"}}
    dataset = _load(
        "imagefolder",
        options.split,
        str(folder),
        data_dir=str(folder),
        drop_labels=True,
        **everything,
    )
    unlisted = tuple(
        file.relative_to(folder).as_posix() for file in images if file.resolve() not in listed
    )
    return replace(_from_dataset(dataset, options, str(folder), folder), unlisted=unlisted)


def _files(options: DataOptions, builder: str, pattern: str) -> Source:
    matching = sorted(glob.glob(str(Path(pattern).expanduser()), recursive=True))  # noqa: PTH207 (may be absolute)
    if not matching:
        raise UserError(f"data: no file matches {pattern}; check the folder and the ending")
    dataset = _load(builder, options.split, pattern, data_files={options.split: matching})
    return _from_dataset(
        dataset, options, pattern, Path(os.path.commonpath([Path(f).parent for f in matching]))
    )


def _hub(options: DataOptions, name: str) -> Source:
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).exists():
        raise UserError(
            f"data.source: '{name}' is neither an embedded family ({', '.join(EMBEDDED)}), "
            f"'imagefolder' (with data.path), a file pattern ending in {', '.join(BUILDERS)}, nor "
            "a hub id"
        )
    dataset = _load(name, options.split, f"data.source '{name}'", name=options.config)
    return _from_dataset(dataset, options, name, None)


def _load(builder: str, split: str, what: str, **where: Any) -> Any:
    import datasets

    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(builder, split=split, **where)
    except (
        Exception
    ) as error:  # the library raises its own, its builders' and the network's exceptions
        raise UserError(
            f"{what}: cannot be read ({first_line(error.__cause__ or error)}); check the spelling, "
            "the files and, for a hub id, the network"
        ) from None


def _from_dataset(dataset: Any, options: DataOptions, name: str, root: Path | None) -> Source:
    import datasets

    columns: list[str] = dataset.column_names
    image = options.image_column or _image_column(dataset)
    caption = options.caption_column or next((c for c in CAPTION_NAMES if c in columns), None)
    for kind, column in (("image", image), ("caption", caption)):
        if column not in columns:
            raise UserError(
                f"{name}: no {kind} column{f' {column!r}' if column else ''} (found: "
                f"{few(columns)}); name it with data.{kind}_column=NAME"
            )
    assert image is not None
    dataset = dataset.cast_column(image, datasets.Image(decode=False))
    member = importance = None
    if options.member_column not in (None, DataOptions.member_column, *columns):
        raise UserError(
            f"data.member_column: {name} has no column '{options.member_column}' (found: "
            f"{few(columns)}); name it right, or null for a random split"
        )
    if options.member_column in columns:
        member = tuple(parse_member(dataset[options.member_column][:], name).tolist())
    cells = [_captions(value) for value in dataset[caption][:]]
    captions, others = tuple(cell[0] for cell in cells), tuple(cell[1:] for cell in cells)
    if options.rephrasings_column is not None:
        others = _rephrasings(dataset, options.rephrasings_column, name)
    if options.importance_column is not None:
        importance = _importances(dataset, options.importance_column, captions, name)
    from huggingface_hub.constants import HF_HUB_CACHE

    own = datasets.config
    caches = (own.HF_CACHE_HOME, own.HF_DATASETS_CACHE, own.DOWNLOADED_DATASETS_PATH, HF_HUB_CACHE)
    allowed = (
        (root.resolve(),) if root else tuple(Path(cache).expanduser().resolve() for cache in caches)
    )
    opener = TableImages(dataset, image, allowed)
    return Source(
        name, _ids(dataset, image, root), captions, opener, member, importance, others=others
    )


def _image_column(dataset: Any) -> str | None:
    import datasets

    typed = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
    return next(iter(typed), None) or next(
        (c for c in IMAGE_NAMES if c in dataset.column_names), None
    )


def _ids(dataset: Any, image: str, root: Path | None) -> tuple[str, ...]:
    """File names where the images are files of a folder, keys of a webdataset, else row numbers;
    repeats get `#row`.
    """
    names = tuple(f"row-{k:07d}" for k in range(len(dataset)))
    if "__key__" in dataset.column_names:
        names = tuple(dataset["__key__"][:])
    elif root is not None:
        inside = root.resolve()
        as_files = len(dataset) > 0 and (dataset[0][image] or {}).get("bytes") is None
        cells = dataset.select_columns([image])[:][image] if as_files else []
        if as_files and all(cell and cell["bytes"] is None and cell["path"] for cell in cells):
            paths = [(inside / cell["path"]).resolve() for cell in cells]
            if all(path.is_relative_to(inside) for path in paths):
                names = tuple(path.relative_to(inside).as_posix() for path in paths)
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name}#{row}" for row, name in enumerate(names))


def _captions(value: Any) -> tuple[str, ...]:
    """A record's caption, the first of several and never a random one, and the others behind it."""
    if isinstance(value, dict):
        value = next((value[name] for name in CAPTION_NAMES if name in value), None)
    values = value if isinstance(value, (list, tuple)) else [value]
    texts = ["" if text is None else str(text).strip() for text in values] or [""]
    return texts[0], *(text for text in texts[1:] if text)


def _rephrasings(dataset: Any, column: str, name: str) -> tuple[tuple[str, ...], ...]:
    if column not in dataset.column_names:
        raise UserError(
            f"data.rephrasings_column: {name} has no column '{column}' (found: "
            f"{few(dataset.column_names)})"
        )
    return tuple(tuple(text for text in _captions(value) if text) for value in dataset[column][:])


def _importances(
    dataset: Any, column: str, captions: Sequence[str], name: str
) -> tuple[tuple[float, ...], ...]:
    if column not in dataset.column_names:
        raise UserError(
            f"data.importance_column: {name} has no column '{column}' (found: "
            f"{few(dataset.column_names)})"
        )
    values = [tuple(float(v) for v in row or ()) for row in dataset[column][:]]
    bad = [
        str(k + 1)
        for k, (row, text) in enumerate(zip(values, captions, strict=True))
        if len(row) != len(text.split())
    ]
    if bad:
        raise UserError(
            f"{name}: column '{column}' needs one number per word of the caption; wrong in row "
            f"{few(bad)}"
        )
    return tuple(values)
