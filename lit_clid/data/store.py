"""Where the files of a folder of images lie: on the disk, or in zip archives."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lit_clid.data.images import FileImages, StoredImages, read_plain
from lit_clid.data.packed import PackedImages, Part, Parts
from lit_clid.errors import UserError, first_line
from lit_clid.files import decode_text


class Store(ABC):
    """Files by their paths; those in an archive are below the archive's own."""

    @abstractmethod
    def holds(self, file: Path) -> bool:
        """Whether there is such a file."""

    @abstractmethod
    def content(self, file: Path) -> bytes:
        """Its bytes."""

    @abstractmethod
    def real(self, files: Sequence[Path]) -> Iterator[Path]:
        """Where files or folders lie, links followed, one after the other."""

    @abstractmethod
    def images(self, files: Sequence[Path]) -> StoredImages:
        """Images in files of their own."""

    def text(self, file: Path) -> str:
        """A text file's text as it was written.

        Raises:
            UserError: if it is no text.
        """
        return decode_text(self.content(file), str(file))


class Disk(Store):
    """Files on the disk."""

    def holds(self, file: Path) -> bool:
        try:
            return file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            return False

    def content(self, file: Path) -> bytes:
        try:
            return read_plain(file)
        except ValueError as error:
            raise UserError(f"{file}: {error}; remove it") from None

    def real(self, files: Sequence[Path]) -> Iterator[Path]:
        """Their folders are asked once each."""
        folders: dict[Path, Path] = {}
        for file in files:
            folder = file.parent
            if folder not in folders:
                folders[folder] = folder.resolve()
            yield _real(file, folders[folder])

    def images(self, files: Sequence[Path]) -> StoredImages:
        return FileImages.of(files)


@dataclass(frozen=True)
class Packed(Store):
    """Files in archives, which have no links: nothing else can be reached."""

    parts: Mapping[Path, Part]

    def holds(self, file: Path) -> bool:
        return file in self.parts

    def content(self, file: Path) -> bytes:
        try:
            return self.parts[file].read()
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: {first_line(error)}; write the archive again") from None

    def real(self, files: Sequence[Path]) -> Iterator[Path]:
        return (Path(os.path.normpath(file)) for file in files)

    def images(self, files: Sequence[Path]) -> StoredImages:
        return PackedImages(Parts(self.parts[file] for file in files))


def _real(file: Path, folder: Path) -> Path:
    """Where a file of a resolved folder lies; there, if no file can have its name or it is a link
    to itself.
    """
    try:
        if file.name in ("", "..") or file.is_symlink():
            return file.resolve()
    except (OSError, RuntimeError):
        return folder / file.name
    return folder / file.name
