"""Records that have several captions: whether an audit asks about the first, takes the mean over
all, or has a record of each.

Records of one image are never parted: they are dealt out together, and resampled together.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.deal import Alone, deal, find_piles
from lit_clid.data.images import Place, StoredImages
from lit_clid.data.scan import Entry, hash_bytes
from lit_clid.data.source import Source
from lit_clid.errors import UserError, few


def several(sources: Mapping[str, Source], options: DataOptions) -> dict[str, Source]:
    """The sources as `data.several_captions` wants them.

    Raises:
        UserError: if records of each caption would have the name of another record.
    """
    if options.several_captions == "each":
        return {name: _each(source) for name, source in sources.items()}
    averaged = options.several_captions == "average"
    return {name: replace(source, averaged=averaged) for name, source in sources.items()}


@dataclass(frozen=True)
class Again:
    """Images by row, the same for several rows."""

    images: Callable[[int], Image.Image]
    rows: tuple[int, ...]

    def __call__(self, row: int) -> Image.Image:
        return self.images(self.rows[row])


@dataclass(frozen=True)
class StoredAgain(StoredImages):
    """The same, of images whose bytes lie in files."""

    images: StoredImages
    rows: tuple[int, ...]

    def place(self, row: int) -> Place:
        return self.images.place(self.rows[row])

    def content(self, row: int) -> bytes:
        return self.images.content(self.rows[row])


def _each(source: Source) -> Source:
    """A row for every caption: the image's own name, then that with #2, #3, …."""
    rows: list[int] = []
    captions: list[str] = []
    ids: list[str] = []
    for row, name in enumerate(source.ids):
        others = () if source.others is None else source.others[row]
        told = dict.fromkeys(text for text in (source.captions[row], *others) if text)
        for k, caption in enumerate(told or [""], 1):
            rows.append(row)
            captions.append(caption)
            ids.append(name if k == 1 else f"{name}#{k}")
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise UserError(
            f"{source.name}: {few(twice, 3)} would name two records; rename these images, or "
            "average over captions with data.several_captions=average"
        )

    def again(column: Sequence[Any] | None) -> Any:
        return None if column is None else tuple(column[row] for row in rows)

    return replace(
        source,
        ids=tuple(ids),
        captions=tuple(captions),
        open_image=_repeated(source.open_image, tuple(rows)),
        member=again(source.member),
        groups=again(source.groups),
        others=None,
        images=tuple(source.ids[row] for row in rows),
    )


def _repeated(
    images: Callable[[int], Image.Image], rows: tuple[int, ...]
) -> Callable[[int], Image.Image]:
    return StoredAgain(images, rows) if isinstance(images, StoredImages) else Again(images, rows)


def further(sources: Iterable[Source], unknown: Collection[str] = ()) -> dict[str, str]:
    """id → id of the first record of its image, of every record that is not the first.

    Args:
        sources: all of them.
        unknown: ids of suspects.

    Raises:
        UserError: if there are such records and suspects, whose tests count every record once.
    """
    found: dict[str, str] = {}
    for source in sources:
        for name, own, image in zip(source.names, source.ids, source.images or (), strict=False):
            if own != image:
                found[name] = f"{source.mark}{image}"
    if found and unknown:
        raise UserError(
            "data.several_captions: records of each caption are not independent, and what is said "
            "of suspects counts every record once; take the mean with "
            "data.several_captions=average"
        )
    return found


def images_of(entries: Iterable[Entry], sources: Iterable[Source]) -> dict[str, str]:
    """id → id of the first record of its image, of the entries that share one on purpose."""
    first, own = further(sources), {entry.id for entry in entries}
    pairs = {name: image for name, image in first.items() if name in own}
    return {**pairs, **{image: image for image in pairs.values()}}


def captions_of(sources: Iterable[Source]) -> dict[str, str]:
    """id → caption of every row."""
    found: dict[str, str] = {}
    for source in sources:
        found |= dict(zip(source.names, source.captions, strict=True))
    return found


def dealt(
    rows: Mapping[str, Entry],
    opened: Mapping[str, Source],
    options: DataOptions,
    seed: int,
    *,
    alone: Alone,
) -> tuple[Entry, ...]:
    """Say of every first row of an image where it may be taken from, and deal them, the further
    rows of an image with the first.
    """
    first, others = further(opened.values()), dict[str, list[str]]()
    for name in rows:
        if name in first:
            others.setdefault(first[name], []).append(name)
    heads = [name for name in rows if name not in first]
    found: list[Entry] = []
    for name, role, member in deal(find_piles(heads, opened, alone=alone), options, seed):
        for each in (name, *others.get(name, ())):
            found.append(replace(rows[each], role=role, member=member))
    return tuple(found)


def wordings(
    entries: Iterable[Entry], place: Mapping[str, tuple[Source, int]]
) -> dict[str, tuple[str, ...]]:
    """id → the captions under which a record is asked about.

    Args:
        entries: of a split.
        place: id → (source, row number).
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        source, row = place[entry.id]
        found[entry.id] = source.wordings(row)
    return found


def hashes_of_further(
    entries: Iterable[Entry], place: Mapping[str, tuple[Source, int]]
) -> dict[str, str]:
    """id → hash of the further captions, of the records that are there and have any."""
    found: dict[str, str] = {}
    for entry in entries:
        source, row = place.get(entry.id, (None, 0))
        others = () if source is None or source.others is None else source.others[row]
        if others:
            found[entry.id] = hash_bytes(str(others).encode())
    return found


def with_wordings(fingerprint: str, told: Mapping[str, tuple[str, ...]]) -> str:
    """A fingerprint that knows further captions, too; the same where there are none."""
    if not any(len(captions) > 1 for captions in told.values()):
        return fingerprint
    return hash_bytes(f"{fingerprint}{list(told.items())}".encode())
