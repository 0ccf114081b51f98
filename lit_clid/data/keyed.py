"""The records of webdataset shards: files of one key each."""

from array import array
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lit_clid.data.beside import caption_lines
from lit_clid.data.columns import CAPTION_NAMES, captions_of
from lit_clid.data.decoding import IMAGE_ENDINGS
from lit_clid.data.metadata import read_json
from lit_clid.data.packed import Part, Parts
from lit_clid.data.text import printable
from lit_clid.data.texts import Column, TextColumn
from lit_clid.errors import UserError, few
from lit_clid.files import decode_text

TEXTS = ("txt", "caption", "text")
"""Endings of files that hold captions."""


@dataclass(frozen=True)
class Sample:
    """One record.

    Args:
        key: path in the archive up to the first dot of its name.
        parts: its files by what follows that dot, in lower case.
    """

    key: str
    parts: Mapping[str, Part]

    def image(self, column: str | None) -> Part | None:
        """Its image, the part called `column` or the only one with an image's ending.

        Raises:
            UserError: if several could be it.
        """
        if column is not None:
            return self.parts.get(column)
        found = [name for name in self.parts if f".{name}" in IMAGE_ENDINGS]
        if len(found) > 1:
            raise UserError(
                f"{printable(self.key)}: several images ({few(found)}); say which with "
                "data.image_column=ENDING"
            )
        return self.parts[found[0]] if found else None

    def content(self, ending: str) -> Any:
        """What a part holds: lines where it is a caption's, text where it is text.

        Raises:
            UserError: if a caption's is no text.
        """
        part = self.parts.get(ending)
        if part is None:
            return None
        content, last = part.read(), ending.rsplit(".", 1)[-1]
        if last in TEXTS:
            where = f"{part.archive}: {printable(self.key)}.{ending}"
            return caption_lines(decode_text(content, where))
        with suppress(UnicodeDecodeError):
            return content.decode("utf-8-sig").strip()
        return content

    @cached_property
    def described(self) -> dict[str, Any]:
        """The keys of its `.json`, where that holds an object.

        Raises:
            UserError: if that is no JSON.
        """
        part = self.parts.get("json")
        if part is None:
            return {}
        where = f"{part.archive}: {printable(self.key)}.json"
        found = read_json(decode_text(part.read(), where), where)
        return found if isinstance(found, dict) else {}

    @cached_property
    def captions(self) -> tuple[str, ...]:
        """Its caption and the further ones, of the first place that has one; an empty caption where
        none has.

        Raises:
            UserError: if two text files differ.
        """
        told: dict[str, tuple[str, ...]] = {}
        for name in CAPTION_NAMES:
            if name in self.parts:
                told[name] = captions_of(self.content(name), f"{printable(self.key)}.{name}")
        if len(set(told.values())) > 1:
            names = few([f"{printable(self.key)}.{name}" for name in told])
            raise UserError(f"{names} give one image different captions; keep one")
        for name in CAPTION_NAMES:
            if name not in self.parts and name in self.described:
                where = f"{printable(self.key)}.json: {name}"
                told[name] = captions_of(self.described[name], where)
        return next((cell for cell in told.values() if cell[0]), ("",))


class Samples(Column[Sample]):
    """N records; `endings` are what the files of any of them end in."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self.keys, self._parts, self._ends = TextColumn(), Parts(), array("q")
        self._codes, self._known = array("i"), dict[str, int]()
        self.endings: list[str] = []
        for sample in samples:
            self.append(sample)

    def append(self, sample: Sample) -> None:
        """Add one behind the last."""
        self.keys.append(sample.key)
        for name, part in sample.parts.items():
            if name not in self._known:
                self._known[name] = len(self.endings)
                self.endings.append(name)
            self._codes.append(self._known[name])
            self._parts.append(part)
        self._ends.append(len(self._parts))

    def __len__(self) -> int:
        return len(self._ends)

    def at(self, row: int) -> Sample:
        files = slice(self._ends[row - 1] if row else 0, self._ends[row])
        names = [self.endings[code] for code in self._codes[files]]
        return Sample(self.keys[row], dict(zip(names, self._parts[files], strict=True)))
