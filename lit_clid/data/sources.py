"""Sources: folders, archives, tables, lists, hub data sets or drawings as N captioned images."""

import glob
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lit_clid.config.options.data import MEMORY, DataOptions
from lit_clid.data.archives import Shards, read_archives
from lit_clid.data.beside import several_lines
from lit_clid.data.columns import find_captions, used_columns
from lit_clid.data.folder import walk, walk_zips
from lit_clid.data.groups import check_groups
from lit_clid.data.handed import open_handed
from lit_clid.data.hub import missing_note, read_hub, require_written
from lit_clid.data.hub_stream import stream_hub
from lit_clid.data.imagefolder import read_folder
from lit_clid.data.images import EMBEDDED, DrawnImages
from lit_clid.data.lists import SQLITE, read_lists
from lit_clid.data.lots import drawn, sampled
from lit_clid.data.names import unique
from lit_clid.data.source import Source, from_rows
from lit_clid.data.table_rows import from_dataset
from lit_clid.data.tables import read_tables
from lit_clid.errors import UserError, few
from lit_clid.hub import is_hub_id

KINDS = {
    ".tar": "webdataset",
    ".zip": "zip",
    ".parquet": "parquet",
    ".arrow": "arrow",
    **dict.fromkeys((".csv", ".tsv", ".jsonl", *SQLITE), "list"),
}
"""Endings of files → what they hold; a folder without images is read as the first that it holds."""


def open_sources(options: DataOptions) -> dict[str, Source]:
    """Open all sources of `options`: the first, perhaps that of the hold-outs ("nonmembers"), and
    perhaps that of the suspects.

    Raises:
        UserError: if one does not exist or has no image or caption column.
    """
    if options.stream is not None and not any(map(_on_hub, options.sources)):
        told = few(list(options.sources))
        raise UserError(f"data.stream: streams a hub data set, and {told} is none; set it to null")
    if options.sample is not None and options.embedded:
        raise UserError(
            f"data.sample: of the embedded {options.source} as many are drawn as data.members and "
            "data.nonmembers ask for; set it to null"
        )
    found = {"first": open_source(options)}
    if options.nonmembers_from is not None:
        holdouts, path = options.nonmembers_from, options.nonmember_path
        other = replace(options, source=holdouts, path=path, member_column=None)
        found["nonmembers"] = _further(other, "nonmembers:", "nonmember_path")
    suspects = options.suspects_from
    if suspects is not None:
        if suspects in EMBEDDED:
            raise UserError(
                f"data.suspects: the embedded {suspects} are drawn anew each time; give "
                "records of your own"
            )
        path = options.suspects_path
        other = replace(options, source=suspects, path=path, member_column=None, sample=None)
        found["suspects"] = _further(other, "suspects:", "suspects_path")
    check_groups(found, options)
    return found


def _further(options: DataOptions, mark: str, key: str) -> Source:
    """A source beside the first; faults name its own key."""
    try:
        return replace(open_source(options), mark=mark)
    except UserError as error:
        raise UserError(str(error).replace("data.path", f"data.{key}")) from None


def open_source(options: DataOptions) -> Source:
    """Open the first source of `options`, or the sample of it that they ask for.

    Raises:
        UserError: if it does not exist or has no image or caption column.
    """
    if options.sample is None or options.source in EMBEDDED:
        return _opened(options)
    return sampled(_opened(options), options.sample)


def _opened(options: DataOptions) -> Source:
    """The same, of webdataset shards a sample already, of others all."""
    source = options.source
    if source in EMBEDDED:
        return _draw(source, options)
    if source == "imagefolder":
        return _imagefolder(options)
    if source == MEMORY:
        return open_handed(options)
    pattern = options.path if source in OPENERS else source
    if pattern is None:
        ending = next(ending for ending, kind in KINDS.items() if kind == source)
        raise UserError(
            f"data.path: source '{source}' needs a file or pattern, such as "
            f"data.path=records/*{ending}"
        )
    kind = source if source in OPENERS else KINDS.get(Path(pattern).suffix.lower())
    return _hub(options, source) if kind is None else _files(options, kind, pattern)


def _on_hub(source: str) -> bool:
    """Whether a source is looked for on the hub."""
    known = source in EMBEDDED or source in OPENERS or source in ("imagefolder", MEMORY)
    return not known and Path(source).suffix.lower() not in KINDS


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


def _imagefolder(options: DataOptions) -> Source:
    """A folder of images, or a file or shards that stand for one."""
    path = options.path or ""
    folder = Path(path).expanduser()
    if path and folder.is_dir():
        listing = walk(folder)
        if not listing.images:
            for ending, kind in KINDS.items():
                files = [file for file in listing.files if file.suffix == ending]
                if files and kind != "list":
                    return OPENERS[kind](options, files, path)
        return read_folder(listing, options)
    if folder.suffix.lower() in KINDS:
        return _files(options, KINDS[folder.suffix.lower()], path)
    raise UserError(
        f"data.path: no folder {path or '(none given)'}; give the folder that holds the images, or "
        f"a file or pattern ending in {', '.join(KINDS)}"
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
    return OPENERS[kind](options, files, pattern)


def _tables(kind: str, options: DataOptions, files: Sequence[Path], name: str) -> Source:
    dataset, notes = read_tables(files, kind, options.split, partial(used_columns, options))
    return replace(from_dataset(dataset, options, name, files), notes=notes)


def _zips(options: DataOptions, files: Sequence[Path], name: str) -> Source:
    return read_folder(walk_zips(files), options)


def _lists(options: DataOptions, files: Sequence[Path], name: str) -> Source:
    return read_lists(files, options, name)


def _archives(options: DataOptions, files: Sequence[Path], name: str) -> Source:
    shards = read_archives(files, options.image_column, options.sample)
    told = options.caption_column or options.captions
    cells = None if told else shards.rows.captions
    if shards.numbers is not None:
        _require_member_column(shards, options.member_column, name)
    try:
        source = from_rows(shards.rows, options, name, cells or None)
    except UserError as error:
        some = f" (of {len(shards.rows):,} records drawn by data.sample)" if shards.numbers else ""
        raise UserError(f"{error}{some}") from None
    source = replace(
        source,
        ids=unique(shards.keys, shards.numbers),
        open_image=shards.images,
        left_out=shards.left_out,
        notes=several_lines(name, shards.rows.several) if cells else (),
        rows=shards.numbers,
    )
    return source if shards.numbers is None else drawn(source, shards.of)


def _require_member_column(shards: Shards, column: str | None, name: str) -> None:
    """Refuse a sample whose records say nothing of members where others may: all would be taken
    for records of which nothing is said.
    """
    if column is None or column in shards.rows.column_names:
        return
    if "json" in shards.endings or column in shards.endings:
        raise UserError(
            f"data.member_column: {name}: none of the {len(shards.rows):,} records drawn by "
            f"data.sample has '{column}', and whether others have is not looked at; if none has, "
            "set data.member_column=null, else raise data.sample"
        )


def _hub(options: DataOptions, name: str) -> Source:
    if not is_hub_id(name):
        raise UserError(
            f"data.source: '{name}' is neither an embedded family ({', '.join(EMBEDDED)}), "
            f"'imagefolder' (with data.path), a file pattern ending in {', '.join(KINDS)}, nor "
            "a hub id"
        )
    asked = name, options.config, options.split
    found = read_hub(*asked) if options.stream is None else stream_hub(*asked, options.stream)
    dataset, notes = found.rows, tuple[str, ...]()
    kept = [Path(each["filename"]) for each in dataset.cache_files]
    if found.guessed and options.captions is None:
        for caption in find_captions(dataset, options, name):
            require_written(dataset, caption, name)
            notes += missing_note(dataset, caption, name)
    source = from_dataset(dataset, options, name, [], kept)
    return replace(source, notes=notes, commit=found.commit)


OPENERS: dict[str, Callable[[DataOptions, Sequence[Path], str], Source]] = {
    "webdataset": _archives,
    "zip": _zips,
    "parquet": partial(_tables, "parquet"),
    "arrow": partial(_tables, "arrow"),
    "list": _lists,
}
"""What files hold → how they are opened."""
