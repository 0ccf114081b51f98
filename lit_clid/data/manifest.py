"""The manifest: the entries of a split as a file, and the hash of what they say."""

import csv
from hashlib import blake2b
from pathlib import Path

from lit_clid.config.options.data import ROLES
from lit_clid.data.entries import CHUNK, Entries, Entry
from lit_clid.errors import UserError
from lit_clid.files import whole

FIELDS = ("id", "where", "image_hash", "caption_hash", "role", "member")
KINDS = {"1": True, "0": False, "": None}
"""What a manifest says of a record: a member, none, or a suspect."""


def fingerprint(entries: Entries) -> str:
    """The hash of who plays which part with which content: of a list of tuples as Python writes it,
    piece by piece.
    """
    found = blake2b(b"[", digest_size=16)
    for start in range(0, len(entries), CHUNK):
        some = entries[start : start + CHUNK]
        parts = [(e.id, e.image_hash, e.caption_hash, e.role, e.member) for e in some]
        found.update(f"{', ' if start else ''}{str(parts)[1:-1]}".encode())
    found.update(b"]")
    return found.hexdigest()


def write_csv(path: Path, entries: Entries) -> None:
    """Write a manifest, a line for each entry."""
    with whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for entry in entries:
            said = "" if entry.member is None else int(entry.member)
            texts = (entry.id, entry.where, entry.image_hash, entry.caption_hash, entry.role)
            writer.writerow((*texts, said))


def read_csv(path: Path) -> Entries:
    """The entries of a manifest.

    Raises:
        UserError: for a line that is none.
    """
    with path.open(encoding="utf-8") as file:
        return Entries.of(map(_from_csv, csv.DictReader(file)))


def _from_csv(line: dict[str, str]) -> Entry:
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
    if line["role"] not in ROLES:
        raise UserError(
            f"split.csv: role of {line['id']} is {line['role']!r}; restore the file, or use "
            "another name=…"
        )
    return Entry(*texts, member=KINDS[line["member"]])
