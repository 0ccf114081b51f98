"""Reading every row once: what is unusable, and what stands in the manifest."""

import csv
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b

from PIL import Image

from lit_clid.data.counted import counted
from lit_clid.data.decoding import read_image
from lit_clid.data.images import StoredImages
from lit_clid.data.seen import Seen, Stamps
from lit_clid.data.source import Source
from lit_clid.errors import ManyError, UserError, first_line

FIELDS = ("id", "where", "image_hash", "caption_hash", "role", "member")

KINDS = {"1": True, "0": False, "": None}
"""What a manifest says of a record: a member, none, or a suspect."""
EMPTY = "empty caption"
"""Why a row without a caption is no record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the manifest; hashes are of the decoded RGB pixels and of the caption's UTF-8.

    `member` is None for a suspect.
    """

    id: str
    where: str
    image_hash: str
    caption_hash: str
    role: str
    member: bool | None


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
        rows: the usable ones by id.
        bad: why the others are not, as "id: reason".
        seen: of every row by id.
        going_on: ids of images with frames or pages after the first.
    """

    rows: dict[str, Entry]
    bad: list[str]
    seen: dict[str, Seen]
    going_on: list[str]


Images = Callable[[int], Image.Image]
"""Row number → RGB image."""
DECODED: dict[bytes, Read] = {}
"""What this process decoded, by the hash of place and stamp: the cells of a grid hold the same
data.
"""


def read_row(source: Source, row: int, stamps: Stamps, *, trusting: bool = False) -> Read:
    """Decode and hash one row.

    Args:
        trusting: that a file of the same size and times holds what this process decoded before.
    """
    name, caption = source.mark + source.ids[row], source.captions[row]
    if not caption:
        return Read(None, f"{name} (row {row + 1}): {EMPTY}")
    try:
        found = look(source.open_image, row, stamps, trusting)
    except Exception as error:  # Pillow's decoders raise all kinds on broken files
        why = f"image does not decode ({first_line(error, 80)})"
        return Read(None, f"{name} (row {row + 1}): {why}")
    entry = Entry(
        id=name,
        where=f"{source.name}#{row}",
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
        return known
    held = images.content(row)
    found = read_image(io.BytesIO(held))
    seen = Seen(stamp, hash_bytes(held), hash_pixels(found.image))
    read = Read(None, seen=seen, goes_on=found.goes_on)
    if stamp:
        DECODED[key] = read
    return read


def hash_pixels(image: Image.Image) -> str:
    """The hash of a decoded image, as in a manifest."""
    return hash_bytes(f"{image.size}".encode() + image.tobytes())


def _read_all(jobs: Sequence[tuple[Source, int]], trusting: bool) -> list[Read]:
    stamps = Stamps()

    def one(job: tuple[Source, int]) -> Read:
        return read_row(*job, stamps, trusting=trusting)

    with ThreadPoolExecutor() as pool:
        results = pool.map(one, jobs)
        return list(counted(results, "checking images", len(jobs)))


def scan(sources: Sequence[Source], on_error: str, *, trusting: bool = False) -> Scan:
    """Decode and hash every row; all that cannot be used are listed at once.

    Args:
        sources: of the rows.
        on_error: "fail" or "skip" rows that cannot be used.
        trusting: see `read_row`.
    """
    jobs: list[tuple[Source, int]] = []
    names: list[str] = []
    for source in sources:
        jobs += [(source, row) for row in range(len(source.ids))]
        names += source.names
    results = _read_all(jobs, trusting)
    bad = [read.fault for read in results if read.entry is None]
    if bad and on_error == "fail":
        untold = any(each.endswith(EMPTY) for each in bad)
        written = ", or data.captions=MODEL to have a model describe all" if untold else ""
        way = f"mend or remove them, or set data.on_error=skip to leave them out{written}"
        raise ManyError(f"{sources[0].name}: {len(bad)} rows cannot be used", bad, f"; {way}")
    rows = {read.entry.id: read.entry for read in results if read.entry is not None}
    seen = {name: read.seen for name, read in zip(names, results, strict=True)}
    return Scan(rows, bad, seen, [read.entry.id for read in results if read.entry and read.goes_on])


def to_csv(entries: Sequence[Entry]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        said = "" if entry.member is None else int(entry.member)
        writer.writerow({**asdict(entry), "member": said})
    return out.getvalue()


def from_csv(line: dict[str, str]) -> Entry:
    """An entry of its line.

    Raises:
        UserError: for a line that is none.
    """
    lacking = [name for name in FIELDS if line.get(name) is None]
    if lacking:
        raise UserError(
            f"split.csv: a line lacks {', '.join(lacking)}; restore the file, or use another name=…"
        )
    texts = (line["id"], line["where"], line["image_hash"], line["caption_hash"], line["role"])
    if line["member"] not in KINDS:
        raise UserError(
            f"split.csv: member of {line['id']} is {line['member']!r}; restore the file, or use "
            "another name=…"
        )
    return Entry(*texts, member=KINDS[line["member"]])
