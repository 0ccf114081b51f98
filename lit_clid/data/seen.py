"""What was seen of each record when it was last checked, so that checking again costs seconds.

Size and times of its file come first; where they differ, or `data.verify=content` asks for it, the
bytes decide, and where those differ, the pixels. The table lies beside the split, which it never
changes: without it, or with another version of what decodes, everything is decoded once more.
"""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from lit_clid.console import is_first_process
from lit_clid.data.decoding import DECODER
from lit_clid.data.images import Place
from lit_clid.data.text import printable
from lit_clid.data.texts import TextColumn
from lit_clid.errors import UserError
from lit_clid.files import whole
from lit_clid.ids import Ids

FORM = {"version": 1, "decoder": DECODER}
SETTLED = 2.0
"""Seconds after which a further change gets another time, on the coarsest file system (FAT)."""
KEPT = 1024
"""Files whose stamps are kept."""


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

    @property
    def line(self) -> str:
        """What stands in the table."""
        return json.dumps([self.stamp, self.content, self.image_hash])

    @classmethod
    def of_line(cls, line: str) -> "Seen":
        """The same of what stands there.

        Raises:
            ValueError, TypeError: if it is none.
        """
        return cls(*map(str, json.loads(line)))


@dataclass(frozen=True)
class SeenTable:
    """What was seen of N records.

    Args:
        ids: theirs.
        lines: what was seen of each, as it is written.
    """

    ids: Ids = field(default_factory=Ids)
    lines: TextColumn = field(default_factory=TextColumn)


class Stamps:
    """Stamps of places; a file is asked again only when very many others were."""

    def __init__(self) -> None:
        self._of_files = lru_cache(KEPT)(_stamps)

    def of(self, place: Place) -> str:
        """The stamp of a place; empty if it is too young or there is no such file."""
        stamp = self._of_files(place.files)
        return f"{stamp} {place.within}".strip() if stamp else ""


def _stamps(files: tuple[Path, ...]) -> str:
    told = list(map(_stamp, files))
    return " ".join(told) if all(told) else ""


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


def read_seen(manifest: Path) -> SeenTable:
    """The table beside a manifest; empty if there is none that helps."""
    file = seen_file(manifest)
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # it saves time and decides nothing
        return _line_by_line(file) or _at_once(file)
    return SeenTable()


def _line_by_line(file: Path) -> SeenTable | None:
    """The table as it is written here; None if it was written otherwise."""
    ids, lines, spell = TextColumn(), TextColumn(), json.JSONDecoder()
    with file.open(encoding="utf-8") as held:
        head = next(held, "")
        if head != _head():
            return None
        for row in held:
            if row == "}}\n":
                return SeenTable(Ids(ids), lines)
            name, end = spell.raw_decode(row)
            line = row[end:].removeprefix(": ").removesuffix("\n").removesuffix(",")
            if Seen.of_line(line).line != line:
                return None
            ids.append(name)
            lines.append(line)
    return None


def _at_once(file: Path) -> SeenTable:
    """The table, however it is written."""
    held: Any = json.loads(file.read_text(encoding="utf-8"))
    if {key: held[key] for key in FORM} != FORM:
        return SeenTable()
    lines = TextColumn(Seen(*map(str, row)).line for row in held["rows"].values())
    return SeenTable(Ids(held["rows"]), lines)


def _head() -> str:
    return f'{json.dumps(FORM)[:-1]}, "rows": {{\n'


def write_seen(manifest: Path, table: SeenTable) -> None:
    """Write the table, if the folder may be written: it can be done without."""
    if not is_first_process():
        return
    with (
        suppress(UserError),
        whole(seen_file(manifest)) as part,
        part.open("w", encoding="utf-8") as file,
    ):
        file.write(_head())
        for k, (name, line) in enumerate(zip(table.ids, table.lines, strict=True)):
            file.write(f"{json.dumps(name)}: {line}{',' if k + 1 < len(table.ids) else ''}\n")
        file.write("}}\n")
