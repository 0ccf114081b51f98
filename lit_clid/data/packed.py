"""Files within archives, read where they lie: nothing is unpacked, nothing outside is read."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from lit_clid.data.images import Place, StoredImages


@dataclass(frozen=True)
class Part(ABC):
    """One file within an archive: `size` bytes from `start`."""

    archive: Path
    start: int
    size: int

    @abstractmethod
    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError, ValueError: if they are damaged.
        """


@dataclass(frozen=True)
class PackedImages(StoredImages):
    """Images within archives."""

    parts: tuple[Part, ...]

    def place(self, row: int) -> Place:
        part = self.parts[row]
        return Place((part.archive,), f"{part.start}+{part.size}")

    def content(self, row: int) -> bytes:
        return self.parts[row].read()
