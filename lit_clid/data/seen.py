"""What was seen of each record when it was last checked, so that checking again costs seconds.

Size and times of its file come first; where they differ, or `data.verify=content` asks for it, the
bytes decide, and where those differ, the pixels. The table lies beside the split, which it never
changes: without it, or with another version of what decodes, everything is decoded once more.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_clid.console import is_first_process
from lit_clid.data.decoding import DECODER
from lit_clid.data.images import Place
from lit_clid.data.text import printable
from lit_clid.errors import UserError
from lit_clid.files import write_text

FORM = {"version": 1, "decoder": DECODER}
SETTLED = 2.0
"""Seconds after which a further change gets another time, on the coarsest file system (FAT)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one record.

    Args:
        stamp: name, size and times of the file it lies in, and where in it; empty where they prove
            nothing, being too young.
        content: hash of its bytes; empty where it has none of its own.
        image_hash: hash of its decoded pixels; empty where it was not decoded.
    """

    stamp: str = ""
    content: str = ""
    image_hash: str = ""


class Stamps:
    """Stamps of places, each file asked once."""

    def __init__(self) -> None:
        self._files: dict[tuple[Path, ...], str] = {}

    def of(self, place: Place) -> str:
        """The stamp of a place; empty if it is too young or there is no such file."""
        if place.files not in self._files:
            told = list(map(_stamp, place.files))
            self._files[place.files] = " ".join(told) if all(told) else ""
        stamp = self._files[place.files]
        return f"{stamp} {place.within}".strip() if stamp else ""


def _stamp(file: Path) -> str:
    try:
        found = file.stat()
    except OSError:
        return ""
    times = (found.st_mtime_ns, found.st_ctime_ns)
    if max(times) > time.time_ns() - SETTLED * 1e9:
        return ""
    return f"{printable(file.name)} {found.st_size} {times[0]} {times[1]}"


def seen_file(manifest: Path) -> Path:
    """Where the table of a manifest lies."""
    return manifest.with_suffix(".seen.json")


def read_seen(manifest: Path) -> dict[str, Seen]:
    """The table beside a manifest by id; empty if there is none that helps."""
    try:
        held: Any = json.loads(seen_file(manifest).read_text(encoding="utf-8"))
        if {key: held[key] for key in FORM} != FORM:
            return {}
        return {str(name): Seen(*map(str, row)) for name, row in held["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # it saves time and decides nothing


def write_seen(manifest: Path, rows: Mapping[str, Seen]) -> None:
    """Write the table, if the folder may be written: it can be done without."""
    if not is_first_process():
        return
    told = {name: [row.stamp, row.content, row.image_hash] for name, row in rows.items()}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in told.items())
    header = json.dumps(FORM)[:-1]
    with suppress(UserError):
        write_text(seen_file(manifest), f'{header}, "rows": {{\n{lines}\n}}}}\n')
