"""Files that appear whole or not at all, JSON whose faults are named, and disks that are full."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import Any

from lit_clid.errors import UserError, WriteError

MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
"""Encodings by the mark that a file begins with."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""There is no room for what is written; nothing that is read fails so."""
IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
BARRED = {errno.EACCES, errno.EPERM, errno.EROFS}
FAULTS = FULL | IN_THE_WAY | BARRED | {errno.EIO, errno.ENAMETOOLONG}
"""What keeps a file from being written and is the user's to mend."""
TORCH = re.compile(r"PytorchStreamWriter failed|file write failed|unexpected pos \d+ vs")
"""How torch says that a checkpoint was not written; it does not say why."""


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` so that it appears whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that it appears whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what becomes the file `path` when all of it is written.

    Raises:
        WriteError: if it cannot be written; then what was there is there still.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(3)}.part")
    with writing(path, part):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        settle(part)
        part.replace(path)


def settle(file: Path) -> None:
    """Have the disk itself hold a file, before a name that promises it whole is given to it."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def settle_all(folder: Path) -> None:
    """The same of every file below a folder."""
    for file in folder.rglob("*"):
        if file.is_file():
            settle(file)


@contextmanager
def writing(path: Path, part: Path) -> Iterator[None]:
    """While `path` is written by way of `part`, a file or folder that is deleted if this fails.

    Raises:
        WriteError: naming `path`, if it cannot be written.
    """
    try:
        yield
    except BaseException as error:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with suppress(OSError):
                part.unlink()
        told = unwritable(error, path, FAULTS)
        if told is None:
            raise
        raise told from error


def unwritable(error: BaseException, path: Path, faults: set[int]) -> WriteError | None:
    """`error` as a line that names `path`, if it is one of the `faults` (errno); else None."""
    number = _number(error)
    if number not in faults:
        return None
    if number in IN_THE_WAY:
        on_the_way = [place for place in (path, *path.parents) if place.exists()]
        return WriteError(
            f"{path} cannot be written: {on_the_way[0]} is in the way; move it, or write elsewhere "
            "with runs=… or name=…"
        )
    mend = (
        "make room, then the same command goes on"
        if number in FULL
        else "mend that, or write elsewhere with runs=…"
    )
    if number in BARRED:
        mend = "give the right to write there, or write elsewhere with runs=…"
    return WriteError(f"{path} cannot be written: {os.strerror(number)}; {mend}")


def _number(error: BaseException) -> int:
    """The errno of an error in writing, as the system, safetensors or torch tells it; else 0."""
    if isinstance(error, OSError):
        return error.errno or 0
    told = re.search(r"\(os error (\d+)\)", str(error))  # safetensors
    if told:
        return int(told[1])
    if isinstance(error, RuntimeError) and TORCH.search(str(error)):
        return (error.__context__ and _number(error.__context__)) or errno.EIO
    return 0


def check_writable(folder: Path) -> None:
    """Make `folder` and write to it, before hours are spent on what it is to hold.

    Raises:
        WriteError: if it cannot be written.
    """
    with writing(folder, folder / "never"):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)


def read_text(path: Path) -> str:
    """A text file's text as it was written: UTF-8, or UTF-16 that shows itself as such.

    Raises:
        UserError: naming what the file may be, if it is neither.
    """
    return decode_text(path.read_bytes(), str(path))


def decode_text(content: bytes, where: str) -> str:
    """The same of bytes that lie elsewhere; `where` names them, for messages."""
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), None)
    if encoding is None:
        encoding = _unmarked(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is no {encoding.removesuffix('-sig').upper()}"
        if encoding == "utf-8":
            found += "; it may be Latin-1 or Windows-1252"
        raise UserError(f"{where}: not text in UTF-8 ({found}); save it as UTF-8") from None
    if "\0" in text:
        raise UserError(f"{where}: not text in UTF-8 (it holds zeros); save it as UTF-8")
    return text


def _unmarked(content: bytes) -> str:
    """The encoding of a text without a mark; in UTF-16 every other byte of plain letters is 0."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    if len(content) % 2 == 0 and 4 * max(even, odd) > len(content):
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


def read_json(path: Path) -> Any:
    """Read a JSON file; a broken one is the user's to mend."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); delete it or restore it") from None
