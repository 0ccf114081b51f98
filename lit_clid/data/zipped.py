"""Zip archives, indexed where they lie: nothing is unpacked, and nothing is believed.

Names that lead outside, links, what is encrypted and what would unpack to far more than an image
holds are refused or left out.
"""

import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lit_clid.data.packed import Part
from lit_clid.errors import UserError, few, first_line

HEADER = 30
"""Bytes of a local header before its name (APPNOTE 4.3.7)."""
LARGE = 64 * 2**20
DENSE = 100
"""Files of more than `LARGE` bytes that were packed to less than 1/`DENSE` of them are bombs."""
LARGEST = 2 * 2**30
"""No file of more bytes is read into memory."""


@dataclass(frozen=True)
class ZipPart(Part):
    """One file within a zip archive: `size` packed bytes behind the local header at `start`.

    Args:
        unpacked: how many bytes it has.
        check: its CRC-32.
        deflated: or else stored as it is.
    """

    unpacked: int
    check: int
    deflated: bool

    def read(self) -> bytes:
        with self.archive.open("rb") as file:
            file.seek(self.start)
            header = file.read(HEADER)
            if header[:4] != b"PK\3\4":
                raise ValueError("damaged in its archive")
            behind = [int.from_bytes(header[k : k + 2], "little") for k in (26, 28)]
            file.seek(self.start + HEADER + sum(behind))
            content = file.read(self.size)
        try:
            if self.deflated:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, self.unpacked + 1)
        except zlib.error as error:
            raise ValueError(f"damaged in its archive ({error})") from None
        if len(content) != self.unpacked or zlib.crc32(content) != self.check:
            raise ValueError("damaged in its archive")
        return content


@dataclass(frozen=True)
class Zipped:
    """What a zip archive holds.

    Args:
        parts: its files by path below the archive's.
        left_out: what is not read, as "name: reason".
    """

    parts: dict[Path, Part]
    left_out: tuple[str, ...]


def read_zip(archive: Path) -> Zipped:
    """Index a zip archive.

    Raises:
        UserError: for an archive that is broken, encrypted, or a bomb.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(
            f"{archive}: not a zip archive ({first_line(error)}); write it again"
        ) from None
    _refuse(archive, infos)
    parts: dict[Path, Part] = {}
    left_out: list[str] = []
    for info in infos:
        name = _name(info)
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            left_out.append(f"{name}: a name that leads outside the archive")
        elif stat.S_ISLNK(info.external_attr >> 16):
            left_out.append(f"{name}: a link")
        elif archive / path in parts:
            raise UserError(f"{archive}: {name} is in it twice; give each file a name of its own")
        else:
            parts[archive / path] = _part(archive, info)
    return Zipped(parts, tuple(left_out))


def _part(archive: Path, info: zipfile.ZipInfo) -> ZipPart:
    return ZipPart(
        archive,
        info.header_offset,
        info.compress_size,
        info.file_size,
        info.CRC,
        info.compress_type == zipfile.ZIP_DEFLATED,
    )


def _refuse(archive: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what cannot be read, or should not be.

    Raises:
        UserError: naming the first files that are so.
    """
    known = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    locked = [info.filename for info in infos if info.flag_bits & 1]
    if locked:
        raise UserError(
            f"{archive}: encrypted ({few(locked, 3)}); unpack it with its password, and pack it "
            "without"
        )
    other = [info.filename for info in infos if info.compress_type not in known]
    if other:
        raise UserError(
            f"{archive}: packed by a method that is not read ({few(other, 3)}); pack it with "
            "deflate, the usual one"
        )
    bombs = [info.filename for info in infos if _explodes(info)]
    if bombs:
        raise UserError(
            f"{archive}: {few(bombs, 3)} would unpack to far more than an image or a text holds; "
            "take it out of the archive"
        )
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [0, *(info.header_offset + HEADER + info.compress_size for info in ordered)]
    pairs = zip(ordered, ends, strict=False)
    shared = [info.filename for info, end in pairs if info.header_offset < end]
    if shared or ends[-1] > archive.stat().st_size:
        raise UserError(
            f"{archive}: files overlap in it, or lie beyond its end ({few(shared, 3) or 'the last'}"
            "); write it again"
        )


def _explodes(info: zipfile.ZipInfo) -> bool:
    dense = info.file_size > DENSE * max(1, info.compress_size)
    return info.file_size > LARGEST or (dense and info.file_size > LARGE)


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a file, whichever way its slashes lean; UTF-8 even where the archive, as those
    of macOS, does not say so.
    """
    name = info.filename.replace("\\", "/")
    if info.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
