"""Reading every row once: what is unusable, and what stands in the manifest."""

import io
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from PIL import Image

from lit_clid.data.counted import side_by_side
from lit_clid.data.decoding import read_image
from lit_clid.data.entries import Entries, Entry
from lit_clid.data.images import StoredImages
from lit_clid.data.known import Known
from lit_clid.data.places import Places
from lit_clid.data.seen import Seen, SeenTable, Stamps
from lit_clid.data.source import Source
from lit_clid.data.texts import TextColumn
from lit_clid.errors import ManyError, first_line

EMPTY = "empty caption"
"""Why a row without a caption is no record."""


def hash_bytes(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a row came to.

    Args:
        entry: its manifest line, without its part; None if it cannot be used.
        fault: why not.
        seen: of it.
        goes_on: its file holds frames or pages after the first.
    """

    entry: Entry | None
    fault: str = ""
    seen: Seen = field(default_factory=Seen)
    goes_on: bool = False


@dataclass(frozen=True)
class Scan:
    """What reading every row came to.

    Args:
        rows: the usable ones.
        at: their numbers among all rows (N,).
        places: of all rows.
        bad: why the others are not, as "id: reason".
        seen: of every row.
        going_on: ids of images with frames or pages after the first.
    """

    rows: Entries
    at: np.ndarray
    places: Places
    bad: list[str]
    seen: SeenTable
    going_on: list[str]


Images = Callable[[int], Image.Image]
"""Row number → RGB image."""
DECODED = Known(33)
"""What this process decoded, by the hash of place and stamp: the cells of a grid hold the same
data. Of each the hashes of its bytes and of its pixels, and whether its file goes on.
"""


def read_row(source: Source, row: int, stamps: Stamps, *, trusting: bool = False) -> Read:
    """Decode and hash one row.

    Args:
        trusting: that a file of the same size and times holds what this process decoded before.
    """
    name, caption = source.mark + source.ids[row], source.captions[row]
    number = source.number(row)
    if not caption:
        return Read(None, f"{name} (row {number + 1}): {EMPTY}")
    try:
        found = look(source.open_image, row, stamps, trusting)
    except Exception as error:  # Pillow's decoders raise all kinds on broken files
        why = f"image does not decode ({first_line(error, 80)})"
        return Read(None, f"{name} (row {number + 1}): {why}")
    entry = Entry(
        id=name,
        where=f"{source.name}#{number}",
        image_hash=found.seen.image_hash,
        caption_hash=hash_bytes(caption.encode()),
        role="",
        member=False,
    )
    return replace(found, entry=entry)


def look(images: Images, row: int, stamps: Stamps, trusting: bool) -> Read:
    """What an image alone comes to, decoded or known."""
    if not isinstance(images, StoredImages):
        return Read(None, seen=Seen(image_hash=hash_pixels(images(row))))
    place = images.place(row)
    stamp = stamps.of(place)  # before its bytes, which may change in between
    key = blake2b(f"{place} {stamp}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    known = DECODED.get(key) if trusting and stamp else None
    if known is not None:
        told = Seen(stamp, known[:16].hex(), known[16:32].hex())
        return Read(None, seen=told, goes_on=bool(known[32]))
    held = images.content(row)
    found = read_image(io.BytesIO(held))
    seen = Seen(stamp, hash_bytes(held), hash_pixels(found.image))
    if stamp:
        DECODED[key] = bytes.fromhex(f"{seen.content}{seen.image_hash}{found.goes_on:02x}")
    return Read(None, seen=seen, goes_on=found.goes_on)


def hash_pixels(image: Image.Image) -> str:
    """The hash of a decoded image, as in a manifest."""
    return hash_bytes(f"{image.size}".encode() + image.tobytes())


def scan(sources: Sequence[Source], on_error: str, *, trusting: bool = False) -> Scan:
    """Decode and hash every row; all that cannot be used are listed at once.

    Args:
        sources: of the rows.
        on_error: "fail" or "skip" rows that cannot be used.
        trusting: see `read_row`.
    """
    places, stamps, seen = Places(sources), Stamps(), TextColumn()
    bad, going_on, used = list[str](), list[str](), array("q")

    def one(number: int) -> Read:
        return read_row(*places.at(number), stamps, trusting=trusting)

    def usable() -> Iterator[Entry]:
        reads = side_by_side(one, range(len(places)), "checking images")
        for number, read in enumerate(reads):
            seen.append(read.seen.line)
            if read.entry is None:
                bad.append(read.fault)
                continue
            used.append(number)
            if read.goes_on:
                going_on.append(read.entry.id)
            yield read.entry

    rows = Entries.of(usable())
    if bad and on_error == "fail":
        untold = any(each.endswith(EMPTY) for each in bad)
        written = ", or data.captions=MODEL to have a model describe all" if untold else ""
        way = f"mend or remove them, or set data.on_error=skip to leave them out{written}"
        raise ManyError(f"{sources[0].name}: {len(bad)} rows cannot be used", bad, f"; {way}")
    at = np.array(used, np.int64)
    own = places.numbers(rows.ids) == at  # of rows of one name the last counts
    table = SeenTable(places.names, seen)
    return Scan(rows.take(own), at[own], places, bad, table, going_on)
