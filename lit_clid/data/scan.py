"""Reading every row once: what is unusable, and what stands in the manifest."""

import csv
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import blake2b

from tqdm import tqdm

from lit_clid.data.source import Source
from lit_clid.errors import UserError, few, first_line

FIELDS = ("id", "where", "image_hash", "caption_hash", "role", "member")

KINDS = {"1": True, "0": False, "": None}
"""What a manifest says of a record: a member, none, or a suspect."""
EMPTY = "empty caption"
"""Why a row without a caption is no record."""


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


def _entry(source: Source, row: int) -> Entry | str:
    """The manifest line of a row (without its part), or why the row cannot be used."""
    name, caption = f"{source.mark}{source.ids[row]}", source.captions[row]
    if not caption:
        return f"{name} (row {row + 1}): {EMPTY}"
    try:
        image = source.open_image(row)
    except Exception as error:  # Pillow's decoders raise all kinds on broken files
        return f"{name} (row {row + 1}): image does not decode ({first_line(error, 80)})"
    pixels = hash_bytes(f"{image.size}".encode() + image.tobytes())
    return Entry(
        id=name,
        where=f"{source.name}#{row}",
        image_hash=pixels,
        caption_hash=hash_bytes(caption.encode()),
        role="",
        member=False,
    )


def read_rows(jobs: Sequence[tuple[Source, int]]) -> list[Entry | str]:
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda job: _entry(*job), jobs)
        return list(tqdm(results, "checking images", len(jobs), unit="image", leave=False, delay=2))


def scan(sources: Sequence[Source], on_error: str) -> tuple[dict[str, Entry], list[str]]:
    """Decode and hash every row; all that cannot be used are listed at once."""
    jobs: list[tuple[Source, int]] = []
    for source in sources:
        jobs += [(source, row) for row in range(len(source.ids))]
    results = read_rows(jobs)
    bad = [result for result in results if isinstance(result, str)]
    if bad and on_error == "fail":
        untold = any(each.endswith(EMPTY) for each in bad)
        written = ", or data.captions=MODEL to have a model describe all" if untold else ""
        raise UserError(
            f"{sources[0].name}: {len(bad)} rows cannot be used: {few(bad, len(bad))}; mend or "
            f"remove them, or set data.on_error=skip to leave them out{written}"
        )
    return {entry.id: entry for entry in results if isinstance(entry, Entry)}, bad


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
