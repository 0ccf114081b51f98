"""Webdataset shards: tar archives whose files of one name before the first dot are one record.

Names are taken literally and nothing is unpacked; images of any format may stand side by side.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from pathlib import Path
from typing import Any

from lit_clid.data.columns import CAPTION_NAMES
from lit_clid.data.counted import counted
from lit_clid.data.decoding import IMAGE_ENDINGS, UNREADABLE, why_unread
from lit_clid.data.folder import hidden
from lit_clid.data.keyed import TEXTS, Sample, Samples
from lit_clid.data.lots import Lots
from lit_clid.data.packed import PackedImages, Part, Parts
from lit_clid.data.tar import members
from lit_clid.data.text import printable
from lit_clid.data.texts import Each
from lit_clid.errors import UserError, few

NAMED = 100
"""Records without an image that are named where a sample is drawn of others."""


class Archives:
    """The records of shards as rows: a column per ending, and one per key of a `.json` beside.

    What the files hold is read whenever it is asked for, and not kept.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, column: str) -> Sequence[Any]:
        if column == "json":
            return self._each(lambda sample: sample.described)
        if column in self.endings:
            return self._each(lambda sample: sample.content(column))
        return self._each(lambda sample: sample.described.get(column))

    def _each(self, told: Callable[[Sample], Any]) -> Each:
        return Each(lambda row: told(self.samples[row]), range(len(self)))

    @property
    def endings(self) -> list[str]:
        """What the files of any record end in."""
        return self.samples.endings

    @cached_property
    def column_names(self) -> list[str]:
        """Endings, and the keys of the `.json` files."""
        keys = dict.fromkeys(key for sample in self.samples for key in sample.described)
        return [*self.endings, *(key for key in keys if key not in self.endings)]

    @property
    def captions(self) -> Sequence[tuple[str, ...]]:
        """Each record's caption and its further ones, wherever it has them; nothing if no record
        has a place for them.
        """
        if not set(CAPTION_NAMES) & set(self.column_names):
            return ()
        return self._each(lambda sample: sample.captions)

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
        rows: the records that have an image, or a sample of them.
        images: theirs, by row.
        left_out: what looks like records and is none, each with the reason.
        endings: of any file of any record.
        numbers: of the sample's records among all; None where these are all.
        of: how many records there are.
    """

    rows: Archives
    images: PackedImages
    left_out: tuple[str, ...]
    endings: tuple[str, ...]
    numbers: Sequence[int] | None
    of: int

    @property
    def keys(self) -> Iterator[str]:
        """The records' names, as they can be written."""
        return map(printable, self.rows.samples.keys)


def read_archives(
    files: Sequence[Path], image_column: str | None, sample: int | None = None
) -> Shards:
    """Find the records of webdataset shards.

    Args:
        files: tar archives, not compressed.
        image_column: ending of the images; None takes each record's only one of an image.
        sample: at most so many records are kept, and no others held on the way; None keeps all.

    Raises:
        UserError: for an archive that is broken, compressed, or holds no image; for a record with
            several.
    """
    chosen = None if image_column is None else image_column.lower()
    kept, images, left_out, endings = Samples(), Parts(), list[str](), dict[str, None]()
    lots: Lots[tuple[Sample, Part]] | None = None if sample is None else Lots(sample)
    unnamed = 0
    for name, record in _records(files):
        image = record.image(chosen)
        endings |= dict.fromkeys(record.parts)
        if image is None and (lots is None or len(left_out) < NAMED):
            left_out.append(f"{printable(record.key)}: {_why(record, chosen)}")
        elif image is None:
            unnamed += 1
        elif lots is None:
            kept.append(record)
            images.append(image)
        else:
            lots.offer(name, (record, image))
    if unnamed:
        left_out.append(f"{unnamed:,} more of {len(files):,} shards: no images")
    drawn = {} if lots is None else lots.kept
    for record, image in drawn.values():
        kept.append(record)
        images.append(image)
    if not kept:
        wanted = "no images" if image_column is None else f"no image column '{image_column}'"
        raise UserError(
            f"{files[0]}: {wanted} (found: {few(list(endings)) or 'nothing'}); name the ending of "
            "the images with data.image_column=NAME"
        )
    found = Archives(kept), PackedImages(images), tuple(left_out), tuple(endings)
    if lots is None or lots.offered <= lots.count:
        return Shards(*found, numbers=None, of=len(kept))
    return Shards(*found, numbers=array("q", drawn), of=lots.offered)


def _records(files: Sequence[Path]) -> Iterator[tuple[str, Sample]]:
    """The records of all archives, each with its name among all: the archive's below the folder of
    all, and its own.
    """
    folder = os.path.commonpath([file.parent for file in files])
    for file in counted(files, "reading shards", len(files), "shard"):
        archive = Path(os.path.relpath(file, folder)).as_posix()
        for sample in _samples(file):
            yield f"{archive}/{sample.key}", sample


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


def _samples(file: Path) -> Iterator[Sample]:
    """The records of one archive, in its order."""
    found: dict[str, dict[str, Part]] = {}
    for name, part in members(file):
        *folders, last = [step for step in name.split("/") if step not in ("", ".")] or [""]
        if any(hidden(step) for step in (*folders, last) if step != ".."):
            continue
        stem, dot, ending = last.partition(".")
        if not dot or last == "..":
            continue
        key = "/".join((*folders, stem))
        parts = found.setdefault(f"/{key}" if name.startswith("/") else key, {})
        if ending.lower() in parts:
            raise UserError(
                f"{file}: {printable(name)} is in it twice; give each record a name of its own"
            )
        parts[ending.lower()] = part
    return starmap(Sample, found.items())
