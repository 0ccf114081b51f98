"""Captions beside images: the text file, or the .json, of the same name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from lit_clid.data.decoding import IMAGE_ENDINGS, UNREADABLE
from lit_clid.data.folder import Listing, require_inside
from lit_clid.data.texts import Lists, Paths
from lit_clid.errors import UserError, few

CAPTION_ENDINGS = (".txt", ".caption")


class Beside:
    """Files that lie beside images: those whose path, its ending aside, is an image's.

    Args:
        images: N paths.
        files: paths of what may lie beside them.
    """

    def __init__(self, images: Paths, files: Paths) -> None:
        own = Paths(image.with_suffix("") for image in images).texts.column
        stems = pc.unique(own)
        beside = pc.index_in(Paths(file.with_suffix("") for file in files).texts.column, stems)
        places = pc.fill_null(beside, len(stems)).to_numpy()
        self._files, self._order = files, np.argsort(places, kind="stable")
        self._starts = np.searchsorted(places[self._order], np.arange(len(stems) + 1))
        self.stems: np.ndarray = pc.index_in(own, stems).to_numpy()
        """The number (N,) of each image's path without its ending, which several may share."""

    def of(self, row: int) -> list[Path]:
        """The files beside an image, in their order."""
        stem = self.stems[row]
        return [self._files.at(k) for k in self._order[self._starts[stem] : self._starts[stem + 1]]]

    @property
    def used(self) -> Paths:
        """The files that lie beside any."""
        return Paths(self._files.at(k) for k in self._order[: self._starts[-1]])

    @property
    def alone(self) -> Paths:
        """The others."""
        return Paths(self._files.at(k) for k in self._order[self._starts[-1] :])


@dataclass(frozen=True)
class Captions:
    """The captions that lie beside images.

    Args:
        cells: per image its caption and the further ones; an empty one where there is none.
        alone: text files without an image.
        several: how many text files hold several lines.
    """

    cells: Lists
    alone: Paths
    several: int


def _texts(listing: Listing) -> Beside:
    """The text files of a folder."""
    return Beside(listing.images, listing.files.ending_in(CAPTION_ENDINGS))


def texts_alone(listing: Listing) -> Paths:
    """The text files without an image of the same name."""
    return _texts(listing).alone


def captions_beside(listing: Listing, objects: Sequence[tuple[str, ...]]) -> Captions:
    """The captions in the .txt or .caption of the same name beside each image, or in its .json.

    The first line that is not empty is the caption, the lines after it are further captions.

    Args:
        objects: per image the captions in the .json beside it, which count where no text has one.

    Raises:
        UserError: if no image has one, two of one image differ, or a file leads outside the folder.
    """
    texts, images = _texts(listing), listing.images
    used = texts.used
    if not used and not any(cell[0] for cell in objects):
        endings = (*IMAGE_ENDINGS, *UNREADABLE)
        names = [listing.name(f) for f in listing.files if f.suffix.lower() not in endings]
        raise UserError(
            f"{listing.folder}: no captions; add metadata.jsonl or metadata.csv with the columns "
            "file_name and text, or a .txt beside each image, or give the list of images that says "
            f"them for data.path (found beside the images: {few(names, 5) or 'nothing'}), or have "
            "a model write them with data.captions=MODEL"
        )
    require_inside(listing, images)
    require_inside(listing, used)
    cells, several = Lists(), np.zeros(len(images), bool)
    for row, cell in enumerate(objects):
        told = _caption(listing, texts.of(row))
        several[texts.stems[row]] = len(told) > 1
        cells.append(told if told[0] else cell)
    return Captions(cells, texts.alone, int(several.sum()))


def _caption(listing: Listing, files: Sequence[Path]) -> tuple[str, ...]:
    """What the text files of one image say."""
    first, *others = [caption_lines(listing.store.text(file)) for file in files] or [("",)]
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
