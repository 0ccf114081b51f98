"""Webdataset shards: tar archives whose files of one name before the first dot are one record.

Names are taken literally and nothing is unpacked; images of any format may stand side by side.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from lit_clid.data.beside import caption_lines
from lit_clid.data.columns import CAPTION_NAMES, captions_of
from lit_clid.data.decoding import IMAGE_ENDINGS, UNREADABLE, why_unread
from lit_clid.data.folder import hidden
from lit_clid.data.metadata import read_json
from lit_clid.data.packed import PackedImages, Part
from lit_clid.data.tar import members
from lit_clid.data.text import printable
from lit_clid.errors import UserError, few
from lit_clid.files import decode_text

TEXTS = ("txt", "caption", "text")
"""Endings of files that hold captions."""


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

    def content(self, ending: str) -> Any:
        """What a part holds: lines where it is a caption's, text where it is text."""
        part = self.parts.get(ending)
        if part is None:
            return None
        content, last = part.read(), ending.rsplit(".", 1)[-1]
        if last in TEXTS:
            where = f"{part.archive}: {printable(self.key)}.{ending}"
            return caption_lines(decode_text(content, where))
        with suppress(UnicodeDecodeError):
            return content.decode("utf-8-sig").strip()
        return content

    @cached_property
    def described(self) -> dict[str, Any]:
        """The keys of its `.json`, where that holds an object."""
        part = self.parts.get("json")
        if part is None:
            return {}
        where = f"{part.archive}: {printable(self.key)}.json"
        found = read_json(decode_text(part.read(), where), where)
        return found if isinstance(found, dict) else {}

    @cached_property
    def captions(self) -> tuple[str, ...]:
        """Its caption and the further ones, of the first place that has one; an empty caption where
        none has.

        Raises:
            UserError: if two text files differ.
        """
        told: dict[str, tuple[str, ...]] = {}
        for name in CAPTION_NAMES:
            if name in self.parts:
                told[name] = captions_of(self.content(name), f"{printable(self.key)}.{name}")
        if len(set(told.values())) > 1:
            names = few([f"{printable(self.key)}.{name}" for name in told])
            raise UserError(f"{names} give one image different captions; keep one")
        for name in CAPTION_NAMES:
            if name not in self.parts and name in self.described:
                where = f"{printable(self.key)}.json: {name}"
                told[name] = captions_of(self.described[name], where)
        return next((cell for cell in told.values() if cell[0]), ("",))


class Archives:
    """The records of shards as rows: a column per ending, and one per key of a `.json` beside."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = list(samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, column: str) -> list[Any]:
        if column == "json":
            return [sample.described for sample in self.samples]
        if column in self.endings:
            return [sample.content(column) for sample in self.samples]
        return [sample.described.get(column) for sample in self.samples]

    @cached_property
    def endings(self) -> list[str]:
        """What the files of any record end in."""
        return list(dict.fromkeys(name for sample in self.samples for name in sample.parts))

    @cached_property
    def column_names(self) -> list[str]:
        """Endings, and the keys of the `.json` files."""
        keys = dict.fromkeys(key for sample in self.samples for key in sample.described)
        return [*self.endings, *(key for key in keys if key not in self.endings)]

    @property
    def captions(self) -> list[tuple[str, ...]]:
        """Each record's caption and its further ones, wherever it has them; nothing if no record
        has a place for them.
        """
        if not set(CAPTION_NAMES) & set(self.column_names):
            return []
        return [sample.captions for sample in self.samples]

    @property
    def several(self) -> int:
        """How many records have a caption file of several lines."""
        count = 0
        for sample in self.samples:
            lines = [sample.content(name) for name in TEXTS if name in sample.parts]
            count += any(len(each) > 1 for each in lines)
        return count


@dataclass(frozen=True)
class Shards:
    """What archives hold.

    Args:
        rows: the records that have an image.
        images: theirs, by row.
        left_out: what looks like records and is none, each with the reason.
    """

    rows: Archives
    images: PackedImages
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
            left_out.append(f"{printable(sample.key)}: {_why(sample, chosen)}")
    kept, parts = zip(*pairs, strict=True)
    return Shards(Archives(kept), PackedImages(parts), tuple(left_out))


def _why(sample: Sample, column: str | None) -> str:
    endings = {f".{name.rsplit('.', 1)[-1]}" for name in sample.parts}
    if endings & set(IMAGE_ENDINGS):
        if column is not None:
            return f"no .{column} among its files"
        return (
            f"a name with a further dot ({few(list(sample.parts), 3)} of one record): everything "
            "behind the first dot is the ending"
        )
    unread = [ending for ending in endings if ending in UNREADABLE]
    if unread:
        return why_unread(unread[0])
    return "a text without an image"


def _samples(file: Path) -> list[Sample]:
    """The records of one archive, in its order."""
    found: dict[str, dict[str, Part]] = {}
    for name, part in members(file):
        path = PurePosixPath(name)
        if any(hidden(step) for step in path.parts if step != ".."):
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
