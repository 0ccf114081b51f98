"""Folders of captioned images: a metadata file, or a text file beside each image.

Nothing outside the folder is read, names are taken literally, and text is read as text.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from lit_clid.data.images import AVIF
from lit_clid.data.metadata import METADATA, Rows, read_metadata
from lit_clid.data.text import printable
from lit_clid.errors import UserError, few
from lit_clid.files import read_text

IMAGE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *((".avif",) if AVIF else ()),
)
UNREADABLE = tuple(
    {".avif", ".heic", ".heif", ".jxl", ".jp2", ".psd", ".svg", ".raw", ".dng", ".cr2", ".nef"}
    - set(IMAGE_ENDINGS)
)
"""Endings of images that are not decoded here."""
CAPTION_ENDINGS = (".txt", ".caption")


@dataclass(frozen=True)
class Listing:
    """What a folder and its sub-folders hold, hidden files aside, in the order of their names.

    Args:
        folder: that was walked.
        files: every file.
        links: sub-folders behind links, which are not followed.
    """

    folder: Path
    files: tuple[Path, ...]
    links: tuple[Path, ...]

    @property
    def images(self) -> tuple[Path, ...]:
        """The images that are decoded here."""
        return tuple(file for file in self.files if file.suffix.lower() in IMAGE_ENDINGS)

    @property
    def metadata(self) -> tuple[Path, ...]:
        """The metadata files."""
        return tuple(file for file in self.files if file.name in METADATA)

    def name(self, file: Path) -> str:
        """The file's path below the folder, as it can be written."""
        return printable(file.relative_to(self.folder).as_posix())

    def left_out(self, texts: Iterable[Path] = ()) -> tuple[str, ...]:
        """What looks like records and is not read, each with the reason.

        Args:
            texts: captions without an image.
        """
        found = [f"{self.name(link)}: a folder behind a link" for link in self.links]
        for file in self.files:
            if file.suffix.lower() in UNREADABLE:
                found.append(f"{self.name(file)}: images of this format are not read")
        return *found, *(f"{self.name(text)}: a text without an image" for text in texts)


def walk(folder: Path) -> Listing:
    """List a folder: nothing hidden, nothing behind a link to a folder.

    Raises:
        UserError: if it cannot be listed.
    """
    files: list[Path] = []
    links: list[Path] = []

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename}: cannot be listed ({error.strerror})")

    for top, below, names in os.walk(folder, onerror=refuse):
        below[:] = [name for name in below if not hidden(name)]
        links += [Path(top, name) for name in below if Path(top, name).is_symlink()]
        files += [Path(top, name) for name in names if not hidden(name)]
    return Listing(folder, tuple(sorted(files)), tuple(sorted(links)))


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is none that people put there themselves."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Beside:
    """The captions that lie beside images.

    Args:
        captions: per image its caption and the further ones; an empty one where there is none.
        alone: text files without an image.
        several: how many text files hold several lines.
    """

    captions: tuple[tuple[str, ...], ...]
    alone: tuple[Path, ...]
    several: int


def _texts(listing: Listing) -> dict[Path, list[Path]]:
    """The text files of a folder by their path without its ending."""
    texts: dict[Path, list[Path]] = {}
    for file in listing.files:
        if file.suffix.lower() in CAPTION_ENDINGS:
            texts.setdefault(file.with_suffix(""), []).append(file)
    return texts


def texts_alone(listing: Listing) -> tuple[Path, ...]:
    """The text files without an image of the same name."""
    texts = _texts(listing)
    lonely = set(texts) - {image.with_suffix("") for image in listing.images}
    return tuple(text for stem in sorted(lonely) for text in texts[stem])


def captions_beside(listing: Listing) -> Beside:
    """The captions in the .txt or .caption of the same name beside each image.

    The first line that is not empty is the caption, the lines after it are further captions.

    Raises:
        UserError: if no image has one, two of one image differ, or a file leads outside the folder.
    """
    texts, images = _texts(listing), listing.images
    used = {image.with_suffix("") for image in images} & set(texts)
    if not used:
        endings = (*IMAGE_ENDINGS, *UNREADABLE)
        names = [listing.name(f) for f in listing.files if f.suffix.lower() not in endings]
        raise UserError(
            f"{listing.folder}: no captions; add metadata.jsonl or metadata.csv with the columns "
            "file_name and text, or a .txt beside each image (found beside the images: "
            f"{few(names, 5) or 'nothing'}), or have a model write them with data.captions=MODEL"
        )
    present = [text for stem in sorted(used) for text in texts[stem]]
    _inside(listing.folder, [*images, *present])
    read = {stem: _caption(listing, texts[stem]) for stem in used}
    captions = tuple(read.get(image.with_suffix(""), ("",)) for image in images)
    return Beside(captions, texts_alone(listing), sum(len(lines) > 1 for lines in read.values()))


def _caption(listing: Listing, files: Sequence[Path]) -> tuple[str, ...]:
    """What the text files of one image say."""
    first, *others = [caption_lines(read_text(file)) for file in files]
    if any(other != first for other in others):
        names = few([listing.name(file) for file in files])
        raise UserError(f"{listing.folder}: {names} give one image different captions; keep one")
    return first


def caption_lines(text: str) -> tuple[str, ...]:
    """The caption that a text file holds, its first line that is not empty, and the further ones
    behind it.
    """
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", text)]
    return tuple(line for line in lines if line) or ("",)


def several_lines(where: str, count: int) -> tuple[str, ...]:
    """What to tell of `count` text files with further captions."""
    if not count:
        return ()
    return (
        f"{where}: {count} caption files hold several lines; the first is the caption, the others "
        "are further captions",
    )


def _inside(folder: Path, files: Sequence[Path]) -> None:
    root = folder.resolve()
    outside = [str(file) for file in files if not file.resolve().is_relative_to(root)]
    if outside:
        raise UserError(
            f"{folder}: {few(outside, 3)} lead outside the folder and are not followed; copy the "
            "files into it"
        )


def listed(listing: Listing, files: Sequence[Path]) -> tuple[Rows, tuple[Path, ...]]:
    """The rows of the metadata files, and the image that each names.

    Raises:
        UserError: unless each row names an image that exists inside the folder.
    """
    rows: list[dict[str, object]] = []
    images: list[Path] = []
    composed = Counter(_composed(file) for file in listing.files)
    alike = {_composed(file): file for file in listing.files if composed[_composed(file)] == 1}
    for file in files:
        found = read_metadata(file)
        named = [_named(file.parent, name, alike) for name in found["file_name"]]
        _inside(listing.folder, named)
        numbered = enumerate(zip(found["file_name"], named, strict=True), 1)
        missing = [f"row {k} ({name})" for k, (name, image) in numbered if not _is_file(image)]
        if missing:
            raise UserError(
                f"{file}: no such image: {few(missing)}; remove these rows or add the files"
            )
        rows += found.rows
        images += named
    return Rows(rows), tuple(images)


def _named(folder: Path, name: str, alike: dict[str, Path]) -> Path:
    """The file that a metadata row names: literally, else however its accents are composed or
    its slashes lean.
    """
    for spelled in (name, name.replace("\\", "/")):
        literal = folder / spelled
        if _is_file(literal):
            return literal
        if _composed(literal) in alike:
            return alike[_composed(literal)]
    return folder / name.replace("\0", "")


def _composed(file: Path) -> str:
    return normalize("NFC", str(file))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
