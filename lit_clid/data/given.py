"""Records that someone hands over in memory, members and hold-outs, as a split of their own."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.columns import unique
from lit_clid.data.decoding import decode
from lit_clid.data.scan import hash_bytes, scan
from lit_clid.data.source import Source
from lit_clid.data.sources import open_source
from lit_clid.data.split import Split
from lit_clid.data.table_rows import from_dataset
from lit_clid.data.text import as_text
from lit_clid.errors import UserError, few
from lit_clid.randomness import permutation
from lit_clid.scores import FEWEST

CAPTIONS = ("caption", "text", "prompt")
"""Keys of a record's caption."""


@dataclass(frozen=True)
class GivenImages:
    """Images by row, as they were given or in files."""

    images: tuple[Image.Image | Path, ...]

    def __call__(self, row: int) -> Image.Image:
        image = self.images[row]
        return decode(image) if isinstance(image, Path) else image.convert("RGB")


@dataclass(frozen=True)
class Picked:
    """Images of a source by the row that was picked."""

    source: Source
    rows: tuple[int, ...]

    def __call__(self, row: int) -> Image.Image:
        return self.source.open_image(self.rows[row])


def given_split(members: Any, holdouts: Any, most: int, seed: int) -> Split:
    """Up to `most` members and as many hold-outs, picked by the seed.

    Args:
        members, holdouts: a sequence of (image, caption) or of {"image": …, "caption": …}, an image
            being of PIL or the path of a file; a `datasets.Dataset`; a folder of captioned images;
            or a `Source`.

    Raises:
        UserError: for anything else, for fewer than two records of a kind, an image that does not
            decode, an empty caption, or an image that is both member and hold-out.
    """
    sources = [
        replace(_picked(given, kind, most, seed), mark=f"{kind}:")
        for kind, given in (("members", members), ("holdouts", holdouts))
    ]
    entries = []
    for source, kind in zip(sources, (True, False), strict=True):
        rows = scan([source], "fail").rows
        entries += [replace(entry, role="target", member=kind) for entry in rows.values()]
    known = {entry.image_hash for entry in entries if entry.member}
    both = [e.id for e in entries if not e.member and e.image_hash in known]
    if both:
        raise UserError(
            f"MembershipGauge: {few(both, 3)} are images of members too; hold-outs must be images "
            "that are never trained on"
        )
    return Split(tuple(entries), tuple(sources), ())


def _picked(given: Any, kind: str, most: int, seed: int) -> Source:
    """The records of one kind."""
    table = _is_dataset(given)
    whole = given if table or isinstance(given, Source) else _opened(given, kind)
    count = len(whole.ids) if isinstance(whole, Source) else len(whole)
    if count < FEWEST:
        raise UserError(f"MembershipGauge: {count} {kind} are too few; give at least {FEWEST}")
    rows = sorted(permutation(count, seed, "gauge", kind)[:most])
    if table:
        return from_dataset(whole.select(rows), DataOptions(member_column=None), kind, [])
    if isinstance(whole, Source):
        return _part(whole, rows)
    return _of_records([whole[row] for row in rows], kind)


def _opened(given: Any, kind: str) -> Any:
    """A folder as a source, anything that can be counted as it is, the rest as a list."""
    if isinstance(given, (str, PathLike)):
        return open_source(DataOptions(source="imagefolder", path=fspath(given)))
    if isinstance(given, Sequence) or (_counts(given) and not isinstance(given, Mapping)):
        return given
    if isinstance(given, Iterable) and not isinstance(given, Mapping):
        return list(given)
    raise UserError(
        f"MembershipGauge: {kind} are of type {type(given).__name__}; give a sequence of (image, "
        "caption), a datasets.Dataset, or a folder"
    )


def _counts(given: Any) -> bool:
    """True for a map-style data set, such as PyTorch's."""
    return {"__len__", "__getitem__"} <= set(dir(type(given)))


def _is_dataset(given: Any) -> bool:
    """True for a table of `datasets`, which is not imported for anything else."""
    library = sys.modules.get("datasets")
    return library is not None and isinstance(given, library.Dataset)


def _part(source: Source, rows: Sequence[int]) -> Source:
    """Some rows of a source."""
    ids = tuple(source.ids[row] for row in rows)
    captions = tuple(source.captions[row] for row in rows)
    return Source(source.name, ids, captions, Picked(source, tuple(rows)))


def _of_records(records: Sequence[Any], kind: str) -> Source:
    """Named after their files, or else after what they show."""
    pairs = [_pair(record, f"{kind}[{k}]") for k, record in enumerate(records)]
    images = tuple(image for image, _ in pairs)
    names = [_name(image) for image in images]
    captions = tuple(caption for _, caption in pairs)
    return Source(kind, unique(names), captions, GivenImages(images))


def _pair(record: Any, where: str) -> tuple[Image.Image | Path, str]:
    """Image and caption of a record."""
    if isinstance(record, Mapping):
        key = next((name for name in CAPTIONS if name in record), CAPTIONS[0])
        record = (record.get("image"), record.get(key))
    if not isinstance(record, (tuple, list)) or len(record) != 2:
        raise UserError(f"MembershipGauge: {where} is no pair (image, caption)")
    image, caption = record
    if isinstance(image, (str, PathLike)):
        image = Path(image)
    if not isinstance(image, (Image.Image, Path)):
        raise UserError(
            f"MembershipGauge: the image of {where} is of type {type(image).__name__}; give one of "
            "PIL or the path of a file"
        )
    return image, as_text(caption, f"MembershipGauge: {where}").strip()


def _name(image: Image.Image | Path) -> str:
    if isinstance(image, Path):
        return str(image)
    return hash_bytes(f"{image.size}".encode() + image.convert("RGB").tobytes())
