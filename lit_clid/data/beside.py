"""Captions beside images: the text file, or the .json, of the same name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lit_clid.data.decoding import IMAGE_ENDINGS, UNREADABLE
from lit_clid.data.folder import Listing, require_inside
from lit_clid.errors import UserError, few

CAPTION_ENDINGS = (".txt", ".caption")


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
    for file in listing.files.ending_in(CAPTION_ENDINGS):
        texts.setdefault(file.with_suffix(""), []).append(file)
    return texts


def texts_alone(listing: Listing) -> tuple[Path, ...]:
    """The text files without an image of the same name."""
    texts = _texts(listing)
    lonely = set(texts)
    for image in listing.images if texts else ():
        lonely.discard(image.with_suffix(""))
    return tuple(text for stem in sorted(lonely) for text in texts[stem])


def captions_beside(listing: Listing, objects: Sequence[tuple[str, ...]]) -> Beside:
    """The captions in the .txt or .caption of the same name beside each image, or in its .json.

    The first line that is not empty is the caption, the lines after it are further captions.

    Args:
        objects: per image the captions in the .json beside it, which count where no text has one.

    Raises:
        UserError: if no image has one, two of one image differ, or a file leads outside the folder.
    """
    texts, images = _texts(listing), listing.images
    used = {image.with_suffix("") for image in images} & set(texts)
    if not used and not any(cell[0] for cell in objects):
        endings = (*IMAGE_ENDINGS, *UNREADABLE)
        names = [listing.name(f) for f in listing.files if f.suffix.lower() not in endings]
        raise UserError(
            f"{listing.folder}: no captions; add metadata.jsonl or metadata.csv with the columns "
            "file_name and text, or a .txt beside each image, or give the list of images that says "
            f"them for data.path (found beside the images: {few(names, 5) or 'nothing'}), or have "
            "a model write them with data.captions=MODEL"
        )
    present = [text for stem in sorted(used) for text in texts[stem]]
    require_inside(listing, [*images, *present])
    read = {stem: _caption(listing, texts[stem]) for stem in used}
    told = [read.get(image.with_suffix(""), ("",)) for image in images]
    captions = [text if text[0] else cell for text, cell in zip(told, objects, strict=True)]
    several = sum(len(lines) > 1 for lines in read.values())
    return Beside(tuple(captions), texts_alone(listing), several)


def _caption(listing: Listing, files: Sequence[Path]) -> tuple[str, ...]:
    """What the text files of one image say."""
    first, *others = [caption_lines(listing.store.text(file)) for file in files]
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
