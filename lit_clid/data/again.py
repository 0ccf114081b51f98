"""The second look at the records of a split: do the data still hold what its manifest says?"""

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lit_clid import console
from lit_clid.config.options.data import DataOptions
from lit_clid.data.counted import side_by_side
from lit_clid.data.entries import Entries
from lit_clid.data.images import StoredImages
from lit_clid.data.places import Places
from lit_clid.data.scan import hash_bytes, read_row
from lit_clid.data.seen import Seen, SeenTable, Stamps, read_seen, write_seen
from lit_clid.data.texts import Each, TextColumn
from lit_clid.errors import ManyError, UserError, few
from lit_clid.files import read_json
from lit_clid.ids import Ids


@dataclass(frozen=True)
class Look:
    """How records are looked at again.

    Args:
        places: where the data's records are now.
        seen: of them when they were last looked at.
        stamps: of the files now.
        trusting: that a file of the same size and times holds the same.
    """

    places: Places
    seen: SeenTable
    stamps: Stamps
    trusting: bool

    def old(self, at: int) -> Seen:
        """What was seen at a place of the table; nothing at −1."""
        return Seen() if at < 0 else Seen.of_line(self.seen.lines[at])

    def settled(self, hashed: str, number: int, at: int) -> bool:
        """Whether size and times of its file say that an image is the same.

        Args:
            hashed: the image's hash in the manifest.
            number: of the record.
            at: its place in the table.
        """
        source, row = self.places.at(number)
        old, images = self.old(at), source.open_image
        if not self.trusting or not old.stamp or old.image_hash != hashed:
            return False
        try:
            return isinstance(images, StoredImages) and old.stamp == self._stamp(images, row)
        except ValueError:  # it lies where nothing is read
            return False

    def _stamp(self, images: StoredImages, row: int) -> str:
        return self.stamps.of(images.place(row))

    def closely(self, record: tuple[str, int, int]) -> Seen | None:
        """What the bytes of an image or else its pixels say; None if it is another one.

        Args:
            record: see `settled`.
        """
        hashed, number, at = record
        source, row = self.places.at(number)
        old, images = self.old(at), source.open_image
        if isinstance(images, StoredImages) and old.content and old.image_hash == hashed:
            try:
                stamp = self._stamp(images, row)
                if hash_bytes(images.content(row)) == old.content:
                    return Seen(stamp, old.content, old.image_hash)
            except (OSError, ValueError):
                return None
        read = read_row(source, row, self.stamps)
        if read.entry is None or read.entry.image_hash != hashed:
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
    entries: Entries,
    numbers: np.ndarray,
    places: Places,
    manifest: Path,
    options: DataOptions,
    *,
    other: np.ndarray,
) -> None:
    """Check that the data still hold what a manifest says, and keep what was seen.

    Args:
        entries: of the manifest.
        numbers: of the entries among the data's records now (N,), −1 where there is none.
        places: where those are.
        manifest: its file.
        options: how it is made sure.
        other: whether an entry is known to have changed (N,).

    Raises:
        UserError: naming the records that are gone or changed.
    """
    if (numbers < 0).any():
        gone, way = "records are gone from the data", "restore them"
        if options.sample is not None:
            gone = "records are gone from the data, or from the sample that data.sample draws"
            way = "remove those that came since, restore those that went"
        missing = list(entries.ids.take(numbers < 0))
        raise ManyError(f"{manifest}: {gone}", missing, f"; {way} or use another name=…")
    look = Look(places, read_seen(manifest), Stamps(), options.verify == "auto")
    # of a record that plays in both roles the last line counts
    _, backwards = np.unique(numbers[::-1], return_index=True)
    last = np.sort(len(numbers) - 1 - backwards)
    every, numbers, different = entries.take(last), numbers[last], other[last]
    at = look.seen.ids.places(every.ids)
    doubtful = array("q")
    for k, entry in enumerate(every):
        number = int(numbers[k])
        if hash_bytes(places.caption(number).encode()) != entry.caption_hash:
            different[k] = True
        if not look.settled(entry.image_hash, number, int(at[k])):
            doubtful.append(k)
    rows = np.array(doubtful, np.int64)
    found, lost = _closely(look, every.take(rows), numbers[rows], at[rows])
    different[rows] |= lost
    if different.any():
        raise ManyError(
            f"{manifest}: these records changed since the split was drawn",
            list(every.ids.take(different)),
            "; restore them or use another name=…",
        )
    _say_added(look.seen, places)
    _keep(look.seen, every.ids.take(rows), found, places, manifest)


def _closely(
    look: Look, entries: Entries, numbers: np.ndarray, at: np.ndarray
) -> tuple[TextColumn, np.ndarray]:
    """What was seen of N entries, as lines of the table, and which of them are others now (N,)."""
    hashes = TextColumn(entry.image_hash for entry in entries)
    jobs = Each(lambda k: (hashes[k], int(numbers[k]), int(at[k])), range(len(entries)))
    lines, lost = TextColumn(), np.zeros(len(entries), bool)
    for k, seen in enumerate(side_by_side(look.closely, jobs, "checking images")):
        lost[k] = seen is None
        lines.append("" if seen is None else seen.line)
    return lines, lost


def _keep(old: SeenTable, ids: Ids, lines: TextColumn, places: Places, manifest: Path) -> None:
    """Write what was seen beside the manifest, where that is anything new.

    Args:
        old: what was seen before.
        ids, lines: what was seen now, of some of the records.
    """
    names = old.ids if len(old.ids) else places.names
    at = ids.places(names)
    now = TextColumn()
    for k, new in enumerate(at.tolist()):
        told = old.lines[k] if len(old.ids) else Seen().line
        now.append(told if new < 0 else lines[new])
    if now != old.lines:
        write_seen(manifest, SeenTable(names, now))


def _say_added(old: SeenTable, places: Places) -> None:
    """Say which records came after the split was drawn."""
    if not len(old.ids):
        return
    added = places.names.take(old.ids.places(places.names) < 0)
    if len(added):
        console.say(
            f"note: {len(added)} records came after the split was drawn and play no part in it: "
            f"{few(added, 3)}; another name=… draws a split with them"
        )
