"""Webdataset shards: tar archives whose files of one name before the first dot are one record.

Names are taken literally and nothing is unpacked; images of any format may stand side by side.
"""

import io
import tarfile
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from lit_clid.data.columns import CAPTION_NAMES
from lit_clid.data.folder import CAPTION_ENDINGS, IMAGE_ENDINGS, UNREADABLE, caption_lines, hidden
from lit_clid.data.images import decode
from lit_clid.data.metadata import json_row
from lit_clid.data.text import as_text, printable
from lit_clid.errors import UserError, few, first_line


@dataclass(frozen=True)
class Part:
    """One file within an archive: `size` bytes from `start`."""

    archive: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Its bytes."""
        with self.archive.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


@dataclass(frozen=True)
class Sample:
    """One record.

    Args:
        key: path in the archive up to the first dot of its name.
        parts: its files by what follows that dot, in lower case.
    """

    key: str
    parts: Mapping[str, Part]

    def image(self, column: str | None) -> Part | None:
        """Its image, the part called `column` or the only one with an image's ending.

        Raises:
            UserError: if several could be it.
        """
        if column is not None:
            return self.parts.get(column)
        found = [name for name in self.parts if f".{name}" in IMAGE_ENDINGS]
        if len(found) > 1:
            raise UserError(
                f"{printable(self.key)}: several images ({few(found)}); say which with "
                "data.image_column=ENDING"
            )
        return self.parts[found[0]] if found else None


class Archives:
    """The records of shards as rows: a column per ending, and one per key of a `.json` beside.

    A caption in a file of its own goes before one in the `.json`.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = list(samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, column: str) -> list[Any]:
        if column in self.endings and column != "json":
            return [_content(sample, column) for sample in self.samples]
        if column == "json":
            return list(self._described)
        return [row.get(column) for row in self._described]

    @cached_property
    def endings(self) -> list[str]:
        """What the files of any record end in."""
        return list(dict.fromkeys(name for sample in self.samples for name in sample.parts))

    @cached_property
    def column_names(self) -> list[str]:
        """Endings, then the keys of the `.json` files that are no further captions."""
        written = set(CAPTION_NAMES) & set(self.endings)
        keys = dict.fromkeys(key for row in self._described for key in row)
        more = [key for key in keys if not (written and key in CAPTION_NAMES)]
        return [*self.endings, *(key for key in more if key not in self.endings)]

    @cached_property
    def _described(self) -> list[dict[str, Any]]:
        return [_described(sample) for sample in self.samples]


def _content(sample: Sample, ending: str) -> Any:
    """What a file of a record holds: lines where it is a caption's."""
    part = sample.parts.get(ending)
    if part is None:
        return None
    content = part.read().removeprefix(BOM_UTF8)
    if f".{ending}" not in CAPTION_ENDINGS:
        return content
    return caption_lines(as_text(content, f"{part.archive}: {printable(sample.key)}.{ending}"))


def _described(sample: Sample) -> dict[str, Any]:
    part = sample.parts.get("json")
    if part is None:
        return {}
    where = f"{part.archive}: {printable(sample.key)}.json"
    try:
        text = part.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{where}: not UTF-8; save it as UTF-8") from None
    return json_row(text, where)


@dataclass(frozen=True)
class ArchiveImages:
    """Images within archives by row."""

    parts: tuple[Part, ...]

    def __call__(self, row: int) -> Image.Image:
        return decode(io.BytesIO(self.parts[row].read()))


@dataclass(frozen=True)
class Shards:
    """What archives hold.

    Args:
        rows: the records that have an image.
        images: theirs, by row.
        left_out: what looks like records and is none, each with the reason.
    """

    rows: Archives
    images: ArchiveImages
    left_out: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The records' names, as they can be written."""
        return tuple(printable(sample.key) for sample in self.rows.samples)


def read_archives(files: Sequence[Path], image_column: str | None) -> Shards:
    """Find the records of webdataset shards.

    Args:
        files: tar archives, not compressed.
        image_column: ending of the images; None takes each record's only one of an image.

    Raises:
        UserError: for an archive that is broken, compressed, or holds no image; for a record with
            several.
    """
    samples = [sample for file in files for sample in _samples(file)]
    chosen = None if image_column is None else image_column.lower()
    images = [sample.image(chosen) for sample in samples]
    pairs = [(s, image) for s, image in zip(samples, images, strict=True) if image is not None]
    if not pairs:
        endings = dict.fromkeys(name for sample in samples for name in sample.parts)
        wanted = "no images" if image_column is None else f"no image column '{image_column}'"
        raise UserError(
            f"{files[0]}: {wanted} (found: {few(list(endings)) or 'nothing'}); name the ending of "
            "the images with data.image_column=NAME"
        )
    left_out = []
    for sample, image in zip(samples, images, strict=True):
        if image is None:
            left_out.append(f"{printable(sample.key)}: {_why(sample)}")
    kept, parts = zip(*pairs, strict=True)
    return Shards(Archives(kept), ArchiveImages(parts), tuple(left_out))


def _why(sample: Sample) -> str:
    if any(f".{name}" in UNREADABLE for name in sample.parts):
        return "images of this format are not read"
    return "a text without an image"


def _samples(file: Path) -> list[Sample]:
    """The records of one archive, in its order."""
    found: dict[str, dict[str, Part]] = {}
    for name, part in _members(file):
        path = PurePosixPath(name)
        if any(hidden(step) for step in path.parts):
            continue
        stem, dot, ending = path.name.partition(".")
        if not dot:
            continue
        parts = found.setdefault(str(path.with_name(stem)), {})
        if ending.lower() in parts:
            raise UserError(
                f"{file}: {printable(name)} is in it twice; give each record a name of its own"
            )
        parts[ending.lower()] = part
    return [Sample(key, parts) for key, parts in found.items()]


def _members(file: Path) -> Iterator[tuple[str, Part]]:
    try:
        with tarfile.open(file, "r:") as archive:
            for member in archive:
                if member.isreg() and not member.issparse():
                    yield member.name, Part(file, member.offset_data, member.size)
            end = archive.offset
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UserError(
            f"{file}: not a tar archive ({first_line(error)}); a compressed one is to be unpacked "
            "to a plain .tar first"
        ) from None
    _require_end(file, end)


def _require_end(file: Path, end: int) -> None:
    """Python's reader stops without a word at a damaged header, and at the end of the first of
    several archives in one file.
    """
    with file.open("rb") as stream:
        stream.seek(end)
        while chunk := stream.read(2**20):
            if any(chunk):
                raise UserError(
                    f"{file}: what follows byte {end} cannot be read: damaged, or several archives "
                    "in one file; write it again"
                )
