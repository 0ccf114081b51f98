"""Reading every row once: what is unusable, and what stands in the manifest."""

import csv
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from tqdm import tqdm

from lit_clid.data.decoding import Decoded, read_image
from lit_clid.data.images import StoredImages
from lit_clid.data.seen import Seen, Stamps
from lit_clid.data.source import Source
from lit_clid.errors import UserError, few, first_line

FIELDS = ("id", "where", "image_hash", "caption_hash", "role", "member")

KINDS = {"1": True, "0": False, "": None}
"""What a manifest says of a record: a member, none, or a suspect."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


def read_row(source: Source, row: int, stamps: Stamps) -> Read:
    """Decode and hash one row."""
    name, caption = f"{source.mark}{source.ids[row]}", source.captions[row]
    if not caption:
        return Read(None, f"{name} (row {row + 1}): empty caption")
    images, stamp, content = source.open_image, "", ""
    try:
        if isinstance(images, StoredImages):
            stamp = stamps.of(images.place(row))  # before its bytes, which may change in between
            held = images.content(row)
            content = hash_bytes(held)
            found = read_image(io.BytesIO(held))
        else:
            found = Decoded(images(row), goes_on=False)
    except Exception as error:  # Pillow's decoders raise all kinds on broken files
        why = f"image does not decode ({first_line(error, 80)})"
        return Read(None, f"{name} (row {row + 1}): {why}", Seen(stamp, content))
    pixels = hash_bytes(f"{found.image.size}".encode() + found.image.tobytes())
    entry = Entry(
        id=name,
        where=f"{source.name}#{row}",
        image_hash=pixels,
        caption_hash=hash_bytes(caption.encode()),
        role="",
        member=False,
    )
    return Read(entry, seen=Seen(stamp, content, pixels), goes_on=found.goes_on)


def _read_all(jobs: Sequence[tuple[Source, int]]) -> list[Read]:
    stamps = Stamps()
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda job: read_row(job[0], job[1], stamps), jobs)
        return list(tqdm(results, "checking images", len(jobs), unit="image", leave=False, delay=2))


def scan(sources: Sequence[Source], on_error: str) -> Scan:
    """Decode and hash every row; all that cannot be used are listed at once."""
    jobs: list[tuple[Source, int]] = []
    names: list[str] = []
    for source in sources:
        jobs += [(source, row) for row in range(len(source.ids))]
        names += source.names
    results = _read_all(jobs)
    bad = [read.fault for read in results if read.entry is None]
    if bad and on_error == "fail":
        raise UserError(
            f"{sources[0].name}: {len(bad)} rows cannot be used: {few(bad, len(bad))}; mend or "
            "remove them, or set data.on_error=skip to leave them out"
        )
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
    texts = (line["id"], line["where"], line["image_hash"], line["caption_hash"], line["role"])
    if line["member"] not in KINDS:
        raise UserError(
            f"split.csv: member of {line['id']} is {line['member']!r}; restore the file, or use "
            "another name=…"
        )
    return Entry(*texts, member=KINDS[line["member"]])
