"""Sources: any `datasets` source, or the embedded drawings, as N rows of captioned images."""

import glob
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lit_clid.config.options.data import DataOptions
from lit_clid.data.archives import read_archives
from lit_clid.data.columns import (
    find_captions,
    find_image,
    require_one_folder,
    row_ids,
    unique,
    used_columns,
)
from lit_clid.data.described import undescribed
from lit_clid.data.folder import (
    IMAGE_ENDINGS,
    Listing,
    captions_beside,
    listed,
    several_lines,
    texts_alone,
    walk,
)
from lit_clid.data.groups import FOLDER, by_folder, check_groups
from lit_clid.data.hub import missing_note, read_hub, require_written
from lit_clid.data.images import EMBEDDED, DrawnImages, FileImages, TableImages
from lit_clid.data.source import Source, from_rows
from lit_clid.data.tables import read_tables
from lit_clid.data.text import printable
from lit_clid.errors import UserError, few, first_line

BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset"}


def open_sources(options: DataOptions) -> dict[str, Source]:
    """Open all sources of `options`: the first, perhaps that of the hold-outs ("nonmembers"), and
    perhaps that of the suspects.

    Raises:
        UserError: if one does not exist or has no image or caption column.
    """
    found = {"first": open_source(options)}
    if options.nonmember_source is not None:
        other = replace(options, source=options.nonmember_source, path=options.nonmember_path)
        found["nonmembers"] = replace(open_source(other), mark="nonmembers:")
    if options.suspects is not None:
        if options.suspects in EMBEDDED:
            raise UserError(
                f"data.suspects: the embedded {options.suspects} are drawn anew each time; give "
                "records of your own"
            )
        path = options.suspects_path
        other = replace(options, source=options.suspects, path=path, member_column=None)
        found["suspects"] = replace(open_source(other), mark="suspects:")
    check_groups(found, options)
    return found


def open_source(options: DataOptions) -> Source:
    """Open the first source of `options`.

    Raises:
        UserError: if it does not exist or has no image or caption column.
    """
    source, path = options.source, options.path
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
    listing = walk(folder)
    if not listing.images:
        raise UserError(
            f"{folder}: no images ({', '.join(IMAGE_ENDINGS)}); give the folder that holds them"
        )
    if listing.metadata:
        source = _described(listing, options)
    else:
        source = _beside(listing) if options.captions is None else undescribed(listing)
    return by_folder(source) if options.group_column == FOLDER else source


def _beside(listing: Listing) -> Source:
    """A folder with a text beside each image."""
    found = captions_beside(listing)
    captions, others = zip(*((first, tuple(rest)) for first, *rest in found.captions), strict=True)
    return Source(
        name=printable(str(listing.folder)),
        ids=unique(list(map(listing.name, listing.images))),
        captions=captions,
        others=others,
        open_image=FileImages(listing.images),
        left_out=listing.left_out(found.alone),
        notes=several_lines(str(listing.folder), found.several),
    )


def _described(listing: Listing, options: DataOptions) -> Source:
    """A folder with metadata files, those of the split's own sub-folder where it has any."""
    name, part = printable(str(listing.folder)), listing.folder / options.split
    own = [file for file in listing.metadata if file.is_relative_to(part)]
    rows, images = listed(listing, own or listing.metadata)
    root = listing.folder.resolve()
    named = [file.resolve() for file in images]
    within = [file for file in listing.images if not own or file.is_relative_to(part)]
    seen = set(named)
    unlisted = [file for file in within if file.resolve() not in seen]
    names = [printable(file.relative_to(root).as_posix()) for file in named]
    return replace(
        from_rows(rows, options, name),
        ids=unique(names),
        open_image=FileImages(images),
        unlisted=tuple(map(listing.name, unlisted)),
        left_out=listing.left_out(texts_alone(listing)),
    )


def _files(options: DataOptions, kind: str, pattern: str) -> Source:
    expanded = str(Path(pattern).expanduser())
    literal = Path(expanded).is_file()
    found = [expanded] if literal else glob.glob(expanded, recursive=True)  # noqa: PTH207
    if not found:
        raise UserError(f"data: no file matches {pattern}; check the folder and the ending")
    files = list(map(Path, sorted(found)))
    folders = [str(file) for file in files if file.is_dir()]
    if folders:
        raise UserError(
            f"data: {few(folders, 3)} is a folder; give its files, as in FOLDER/*.{kind}"
        )
    if kind == "webdataset":
        return _archives(options, files, pattern)
    used = partial(used_columns, options)
    dataset, notes = read_tables(files, kind, options.split, used)
    source = from_dataset(dataset, options, pattern, files)
    return replace(source, notes=notes)


def _archives(options: DataOptions, files: list[Path], name: str) -> Source:
    shards = read_archives(files, options.image_column)
    told = options.caption_column or options.captions
    cells = None if told else shards.rows.captions
    return replace(
        from_rows(shards.rows, options, name, cells or None),
        ids=unique(shards.keys),
        open_image=shards.images,
        left_out=shards.left_out,
        notes=several_lines(name, shards.rows.several) if cells else (),
    )


def _hub(options: DataOptions, name: str) -> Source:
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or Path(name).exists():
        raise UserError(
            f"data.source: '{name}' is neither an embedded family ({', '.join(EMBEDDED)}), "
            f"'imagefolder' (with data.path), a file pattern ending in {', '.join(BUILDERS)}, nor "
            "a hub id"
        )
    dataset, guessed = read_hub(name, options.config, options.split)
    if not guessed or options.captions is not None:
        return from_dataset(dataset, options, name, [])
    notes: tuple[str, ...] = ()
    for caption in find_captions(dataset, options, name):
        require_written(dataset, caption, name)
        notes += missing_note(dataset, caption, name)
    return replace(from_dataset(dataset, options, name, []), notes=notes)


def from_dataset(dataset: Any, options: DataOptions, name: str, files: Sequence[Path]) -> Source:
    """The source of a `datasets` table; beside its `files` may lie those of its images."""
    import datasets

    image = find_image(dataset, options, name)
    try:
        dataset = dataset.cast_column(image, datasets.Image(decode=False))
    except Exception as error:  # pyarrow's and the library's own
        raise UserError(
            f"{name}: column '{image}' holds no single images ({first_line(error, 80)}); give one "
            "image per row, or name another column with data.image_column=NAME"
        ) from None
    folders = {file.parent for file in files}
    root = Path(os.path.commonpath(folders)) if folders else None
    if len(folders) > 1:
        require_one_folder(dataset, image, name)
    return replace(
        from_rows(dataset, options, name),
        ids=row_ids(dataset, image, root),
        open_image=TableImages(dataset, image, _allowed(root)),
    )


def _allowed(root: Path | None) -> tuple[Path, ...]:
    """Folders that images may be read from: the source's own, or the libraries' caches."""
    if root is not None:
        return (root.resolve(),)
    import datasets
    from huggingface_hub.constants import HF_HUB_CACHE

    own = datasets.config
    caches = (own.HF_CACHE_HOME, own.HF_DATASETS_CACHE, own.DOWNLOADED_DATASETS_PATH, HF_HUB_CACHE)
    return tuple(Path(cache).expanduser().resolve() for cache in caches)
