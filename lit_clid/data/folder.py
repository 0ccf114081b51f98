"""Folders of captioned images, on the disk or zipped: a metadata file, or a text beside each image.

Nothing outside the folder is read, names are taken literally, and text is read as text.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from unicodedata import normalize

from lit_clid.data.decoding import IMAGE_ENDINGS, UNREADABLE, why_unread
from lit_clid.data.metadata import METADATA, Rows, read_metadata
from lit_clid.data.packed import Part
from lit_clid.data.store import Disk, Packed, Store
from lit_clid.data.text import printable
from lit_clid.data.texts import Paths
from lit_clid.data.zipped import read_zip
from lit_clid.errors import UserError, few


@dataclass(frozen=True)
class Listing:
    """What a folder and its sub-folders hold, hidden files aside, in the order of their names.

    Args:
        folder: that was walked.
        files: every file.
        refused: what is never read, as "name: reason".
        store: where the files lie.
    """

    folder: Path
    files: Paths
    refused: tuple[str, ...] = ()
    store: Store = field(default_factory=Disk)

    @cached_property
    def images(self) -> Paths:
        """The images that are decoded here."""
        return self.files.ending_in(IMAGE_ENDINGS)

    @property
    def metadata(self) -> tuple[Path, ...]:
        """The metadata files."""
        return tuple(file for file in self.files.ending_in(METADATA) if file.name in METADATA)

    @cached_property
    def alike(self) -> dict[str, Path]:
        """Files by their path with its accents composed, where that is one file's alone."""
        composed = Counter(map(_composed, self.files))
        return {_composed(file): file for file in self.files if composed[_composed(file)] == 1}

    def name(self, file: Path) -> str:
        """The file's path below the folder, as it can be written."""
        return _written(file, self.folder)

    def left_out(self, texts: Iterable[Path] = ()) -> tuple[str, ...]:
        """What looks like records and is not read, each with the reason.

        Args:
            texts: captions without an image.
        """
        found = list(self.refused)
        for file in self.files.ending_in(UNREADABLE):
            found.append(f"{self.name(file)}: {why_unread(file.suffix.lower())}")
        return *found, *(f"{self.name(text)}: a text without an image" for text in texts)


def walk(folder: Path) -> Listing:
    """List a folder: nothing hidden, nothing behind a link to a folder.

    Raises:
        UserError: if it cannot be listed.
    """
    links: list[Path] = []
    files = Paths(_below(folder, links))
    behind = [f"{_written(link, folder)}: a folder behind a link" for link in sorted(links)]
    return Listing(folder, files, tuple(behind))


def _below(folder: Path, links: list[Path]) -> Iterator[Path]:
    """The files below a folder in the order of their paths; links to folders are noted."""
    open_folders = [_within(folder)]
    while open_folders:
        for file, is_folder in open_folders[-1]:
            if not is_folder:
                yield file
            elif file.is_symlink():
                links.append(file)
            else:
                open_folders.append(_within(file))
                break
        else:
            open_folders.pop()


def _within(folder: Path) -> Iterator[tuple[Path, bool]]:
    """What a folder holds, in order, and whether it is a folder itself."""
    folders: set[str] = set()
    names: list[str] = []
    try:
        with os.scandir(folder) as found:
            for each in found:
                names.append(each.name)
                with suppress(OSError):
                    if each.is_dir():
                        folders.add(each.name)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be listed ({error.strerror})") from None
    names.sort()
    for name in names:
        if not hidden(name):
            yield folder / name, name in folders


def walk_zips(archives: Sequence[Path]) -> Listing:
    """List zip archives as if each were a folder of its name.

    Raises:
        UserError: see `read_zip`.
    """
    parts: dict[Path, Part] = {}
    refused: list[str] = []
    folder = archives[0] if len(archives) == 1 else Path(os.path.commonpath(archives))
    for archive in archives:
        found = read_zip(archive)
        parts |= found.parts
        refused += found.left_out
    files = [file for file in parts if not any(map(hidden, file.relative_to(folder).parts))]
    return Listing(folder, Paths(sorted(files)), tuple(refused), Packed(parts))


def _written(file: Path, folder: Path) -> str:
    return printable(file.relative_to(folder).as_posix())


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is none that people put there themselves."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def require_inside(listing: Listing, files: Sequence[Path]) -> None:
    """Refuse files that lie elsewhere, or that a link leads to.

    Raises:
        UserError: naming them.
    """
    store = listing.store
    (root,) = store.real([listing.folder])
    pairs = zip(files, store.real(files), strict=True)
    outside = [str(file) for file, real in pairs if not real.is_relative_to(root)]
    if outside:
        raise UserError(
            f"{listing.folder}: {few(outside, 3)} lead outside the folder and are not followed; "
            "copy the files into it"
        )


def listed(listing: Listing, files: Sequence[Path]) -> tuple[Rows, Paths]:
    """The rows of the metadata files, and the image that each names.

    Raises:
        UserError: unless each row names an image that exists inside the folder.
    """
    rows, images = Rows(), Paths()
    for file in files:
        found = read_metadata(file, listing.store.content(file))
        images.extend(find_images(listing, file, file.parent, found["file_name"]))
        rows.extend(found)
    return rows, images


def find_images(
    listing: Listing,
    file: Path,
    folder: Path,
    names: Sequence[str],
    way: str = "",
) -> Paths:
    """The images that the rows of a file name.

    Args:
        file: for messages.
        folder: that the names start from.
        names: per row.
        way: what else helps where images lie elsewhere.

    Raises:
        UserError: unless each is there, inside the listing's folder.
    """
    store = listing.store
    named = Paths(_named(listing, folder, name) for name in names)
    (root,) = store.real([listing.folder])
    pairs = enumerate(zip(names, store.real(named), strict=True), 1)
    outside = [f"row {k} ({name})" for k, (name, real) in pairs if not real.is_relative_to(root)]
    if outside:
        raise UserError(
            f"{file}: {few(outside, 3)} lead outside the folder and are not followed; copy the "
            f"files into {listing.folder}{way}"
        )
    numbered = enumerate(zip(names, named, strict=True), 1)
    missing = [f"row {k} ({name})" for k, (name, image) in numbered if not store.holds(image)]
    if missing:
        raise UserError(
            f"{file}: no such image: {few(missing)}; remove these rows or add the files"
        )
    return named


def _named(listing: Listing, folder: Path, name: str) -> Path:
    """The file that a metadata row names: literally, else however its accents are composed or
    its slashes lean.
    """
    for spelled in (name, name.replace("\\", "/")):
        literal = folder / spelled
        if listing.store.holds(literal):
            return literal
        if _composed(literal) in listing.alike:
            return listing.alike[_composed(literal)]
    return folder / name.replace("\0", "")


def _composed(file: Path) -> str:
    return normalize("NFC", str(file))
