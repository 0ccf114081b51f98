"""The second look at the records of a split: do the data still hold what its manifest says?"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.data.counted import counted
from lit_clid.data.images import StoredImages
from lit_clid.data.scan import Entry, hash_bytes, read_row
from lit_clid.data.seen import Seen, Stamps, read_seen, write_seen
from lit_clid.data.source import Source
from lit_clid.errors import ManyError, UserError, few
from lit_clid.files import read_json

Place = Mapping[str, tuple[Source, int]]
"""id → (source, row number)."""


@dataclass(frozen=True)
class Look:
    """How records are looked at again.

    Args:
        place: where they are now.
        seen: of them when they were last looked at.
        stamps: of the files now.
        trusting: that a file of the same size and times holds the same.
    """

    place: Place
    seen: Mapping[str, Seen]
    stamps: Stamps
    trusting: bool

    def settled(self, entry: Entry) -> bool:
        """Whether size and times of its file say that an image is the same."""
        source, row = self.place[entry.id]
        old, images = self.seen.get(entry.id, Seen()), source.open_image
        if not self.trusting or not old.stamp or old.image_hash != entry.image_hash:
            return False
        try:
            return isinstance(images, StoredImages) and old.stamp == self._stamp(images, row)
        except ValueError:  # it lies where nothing is read
            return False

    def _stamp(self, images: StoredImages, row: int) -> str:
        return self.stamps.of(images.place(row))

    def closely(self, entry: Entry) -> Seen | None:
        """What the bytes of an image or else its pixels say; None if it is another one."""
        source, row = self.place[entry.id]
        old, images = self.seen.get(entry.id, Seen()), source.open_image
        if isinstance(images, StoredImages) and old.content and old.image_hash == entry.image_hash:
            try:
                stamp = self._stamp(images, row)
                if hash_bytes(images.content(row)) == old.content:
                    return Seen(stamp, old.content, old.image_hash)
            except (OSError, ValueError):
                return None
        read = read_row(source, row, self.stamps)
        if read.entry is None or read.entry.image_hash != entry.image_hash:
            return None
        return read.seen


def read_header(manifest: Path) -> dict[str, Any]:
    """What a manifest was drawn from.

    Raises:
        UserError: if the file beside it that says so is missing or damaged.
    """
    note = manifest.with_suffix(".json")
    if not note.is_file():
        raise UserError(
            f"{manifest}: {note.name} is missing beside it; restore it or delete the run folder"
        )
    header: Any = read_json(note)
    if not isinstance(header, dict) or not {"seed", "data", "skipped"} <= header.keys():
        raise UserError(
            f"{note}: does not tell what the split was drawn from; restore it or delete the run "
            "folder"
        )
    return header


def verify(
    entries: Collection[Entry],
    place: Place,
    manifest: Path,
    *,
    trusting: bool,
    other: Collection[str] = (),
) -> None:
    """Check that the data still hold what a manifest says, and keep what was seen.

    Args:
        entries: of the manifest.
        place: where the data's records are now.
        manifest: its file.
        trusting: that a file of the same size and times holds the same.
        other: ids of records that are known to have changed.

    Raises:
        UserError: naming the records that are gone or changed.
    """
    gone = [entry.id for entry in entries if entry.id not in place]
    if gone:
        raise ManyError(
            f"{manifest}: records are gone from the data",
            gone,
            "; restore them or use another name=…",
        )
    old = read_seen(manifest)
    look = Look(place, old, Stamps(), trusting)
    every = {entry.id: entry for entry in entries}
    different = {entry.id for entry in every.values() if not _says_the_same(entry, place)}
    different |= set(other)
    doubtful = [entry for entry in every.values() if not look.settled(entry)]
    found = dict(zip([e.id for e in doubtful], _closely(look, doubtful), strict=True))
    different |= {name for name, seen in found.items() if seen is None}
    changed = [name for name in every if name in different]
    if changed:
        raise ManyError(
            f"{manifest}: these records changed since the split was drawn",
            changed,
            "; restore them or use another name=…",
        )
    _say_added(old, place)
    now = {name: found.get(name) or old.get(name, Seen()) for name in (old or place)}
    if now != old:
        write_seen(manifest, now)


def _says_the_same(entry: Entry, place: Place) -> bool:
    source, row = place[entry.id]
    return hash_bytes(source.captions[row].encode()) == entry.caption_hash


def _closely(look: Look, entries: Sequence[Entry]) -> list[Seen | None]:
    with ThreadPoolExecutor() as pool:
        found = pool.map(look.closely, entries)
        return list(counted(found, "checking images", len(entries)))


def _say_added(old: Mapping[str, Seen], place: Place) -> None:
    """Say which records came after the split was drawn."""
    added = [name for name in place if name not in old] if old else []
    if added:
        console.say(
            f"note: {len(added)} records came after the split was drawn and play no part in it: "
            f"{few(added, 3)}; another name=… draws a split with them"
        )
