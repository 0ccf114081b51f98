"""Tar archives, indexed where they lie."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lit_clid.data.packed import Part
from lit_clid.errors import UserError, first_line


@dataclass(frozen=True)
class TarPart(Part):
    """One file within a tar archive."""

    def read(self) -> bytes:
        with self.archive.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)


def members(file: Path) -> Iterator[tuple[str, Part]]:
    """The regular files of an archive by name, links within it followed.

    Raises:
        UserError: for an archive that is broken or compressed.
    """
    try:
        with tarfile.open(file, "r:") as archive:
            found: dict[str, Part] = {}
            for member in archive:
                if member.isreg() and not member.issparse():
                    found[member.name] = TarPart(file, member.offset_data, member.size)
                    yield member.name, found[member.name]
                elif _target(member) in found:
                    yield member.name, found[_target(member)]
            end = archive.offset
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, MemoryError) as error:
        raise UserError(
            f"{file}: not a tar archive ({first_line(error)}); if it is compressed, decompress it "
            "to a plain .tar"
        ) from None
    _require_end(file, end)


def _target(member: tarfile.TarInfo) -> str:
    """What a link within an archive leads to."""
    if member.issym():
        return str(PurePosixPath(member.name).parent / member.linkname)
    return member.linkname


def _require_end(file: Path, end: int) -> None:
    """Python's reader stops without a word at a damaged header, and at the end of the first of
    several archives in one file.
    """
    with file.open("rb") as stream:
        stream.seek(end)
        while chunk := stream.read(2**20):
            if any(chunk):
                raise UserError(
                    f"{file}: what follows byte {end} cannot be read: damaged, or several archives "
                    "in one file; write it again"
                )
