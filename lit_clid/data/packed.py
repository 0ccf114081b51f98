"""Files within archives, read where they lie: nothing is unpacked, nothing outside is read."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from lit_clid.data.images import Place, StoredImages
from lit_clid.data.texts import Column


@dataclass(frozen=True)
class Part(ABC):
    """One file within an archive: `size` bytes from `start`; what a kind of archive says beside
    these are numbers too.
    """

    archive: Path
    start: int
    size: int

    @abstractmethod
    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError, ValueError: if they are damaged.
        """

    @property
    def numbers(self) -> list[int]:
        """All but the archive."""
        return [int(getattr(self, field.name)) for field in fields(self)[1:]]


class Parts(Column[Part]):
    """N parts of archives of one kind, which are objects only while they are looked at."""

    def __init__(self, parts: Iterable[Part] = ()) -> None:
        self._kind: type[Part] | None = None
        self._archives: list[Path] = []
        self._places: dict[Path, int] = {}
        self._which, self._numbers = array("i"), array("q")
        for part in parts:
            self.append(part)

    def append(self, part: Part) -> None:
        """Add one behind the last, of the same kind."""
        assert self._kind in (None, type(part))
        self._kind = type(part)
        if part.archive not in self._places:
            self._places[part.archive] = len(self._archives)
            self._archives.append(part.archive)
        self._which.append(self._places[part.archive])
        self._numbers.extend(part.numbers)

    def __len__(self) -> int:
        return len(self._which)

    def at(self, row: int) -> Part:
        assert self._kind is not None
        width = len(self._numbers) // len(self)
        numbers = self._numbers[row * width : (row + 1) * width]
        return self._kind(self._archives[self._which[row]], *numbers)


@dataclass(frozen=True)
class PackedImages(StoredImages):
    """Images within archives."""

    parts: Parts

    def place(self, row: int) -> Place:
        part = self.parts[row]
        return Place((part.archive,), f"{part.start}+{part.size}")

    def content(self, row: int) -> bytes:
        return self.parts[row].read()

    def take(self, rows: Sequence[int]) -> "PackedImages":
        return PackedImages(Parts(self.parts[row] for row in rows))
