"""Images by row number, drawn, in files or in a table, and as tensors."""

import io
import os
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lit_clid.data.decoding import decode, size_of
from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene
from lit_clid.data.texts import Paths, TextColumn

EMBEDDED = {"critters": critter, "scenes": scene}
"""The embedded families: a function from a number to a captioned drawing each."""


@dataclass(frozen=True)
class DrawnImages:
    """Images of an embedded family by row."""

    family: str
    numbers: tuple[int, ...]

    def __call__(self, row: int) -> Image.Image:
        return EMBEDDED[self.family](self.numbers[row]).image


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of an image lie.

    Args:
        files: in which they are; several where they may be in any.
        within: which part of the files.
    """

    files: tuple[Path, ...]
    within: str = ""


class StoredImages(ABC):
    """Images whose bytes lie in files, by row."""

    @abstractmethod
    def place(self, row: int) -> Place:
        """Where the bytes of a row lie."""

    @abstractmethod
    def content(self, row: int) -> bytes:
        """The bytes of a row.

        Raises:
            OSError, ValueError: if there are none.
        """

    def __call__(self, row: int) -> Image.Image:
        return decode(io.BytesIO(self.content(row)))

    def size(self, row: int) -> tuple[int, int]:
        """Width and height of a row's image in pixels, without decoding it."""
        return size_of(io.BytesIO(self.content(row)))

    def take(self, rows: Sequence[int]) -> "StoredImages":
        """Those of these rows, which may repeat."""
        return StoredRows(self, array("q", rows))


@dataclass(frozen=True)
class StoredRows(StoredImages):
    """Stored images by the rows that they have among others."""

    images: StoredImages
    rows: Sequence[int]

    def place(self, row: int) -> Place:
        return self.images.place(self.rows[row])

    def content(self, row: int) -> bytes:
        return self.images.content(self.rows[row])


@dataclass(frozen=True)
class ImageRows:
    """The same of images that do not lie in files."""

    images: Callable[[int], Image.Image]
    rows: Sequence[int]

    def __call__(self, row: int) -> Image.Image:
        return self.images(self.rows[row])


def read_plain(file: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: if it is none, such as a folder, or a pipe that would be waited for.
    """
    if not file.is_file():
        raise ValueError("no file" if not file.exists() else "no plain file")
    return file.read_bytes()


@dataclass(frozen=True)
class FileImages(StoredImages):
    """Images in files of their own, of which there may be very many.

    Args:
        start: what all paths begin with.
        rests: what follows in each.
    """

    start: str
    rests: TextColumn

    @classmethod
    def of(cls, files: Sequence[Path]) -> "FileImages":
        """Images at these paths."""
        texts = Paths(files).texts
        ends = min(texts, default=""), max(texts, default="")
        start = os.path.commonprefix(ends)  # noqa: RUF071  (as text, for nobody opens it)
        return cls(start, TextColumn(text[len(start) :] for text in texts))

    def place(self, row: int) -> Place:
        return Place((self._file(row),))

    def content(self, row: int) -> bytes:
        return read_plain(self._file(row))

    def take(self, rows: Sequence[int]) -> "FileImages":
        return FileImages(self.start, TextColumn(self.rests[row] for row in rows))

    def _file(self, row: int) -> Path:
        return Path(self.start + self.rests[row])


@dataclass(frozen=True)
class TableImages(StoredImages):
    """Images in a column of a `datasets` table: bytes, or paths that must stay inside `allowed`.

    Args:
        files: that hold all its rows in their order; none where that is not known.
    """

    dataset: Any
    column: str
    allowed: tuple[Path, ...]
    files: tuple[Path, ...]

    def place(self, row: int) -> Place:
        name = self._names[row]
        if not name:
            return Place(self.files, f"{self.column} {row}")
        return Place((self._inside(name),))

    def content(self, row: int) -> bytes:
        cell = self._cells[row][self.column]
        if cell is None:
            raise ValueError("no image")
        if cell["bytes"] is not None:
            return bytes(cell["bytes"])
        return read_plain(self._inside(cell["path"]))

    def _inside(self, name: str) -> Path:
        path = (self.allowed[0] / name).resolve()
        if not any(path.is_relative_to(folder) for folder in self.allowed):
            raise ValueError(f"{path} lies outside {self.allowed[0]}")
        return path

    @cached_property
    def _cells(self) -> Any:
        """The column alone, whatever the others hold."""
        return self.dataset.select_columns([self.column])

    @cached_property
    def _names(self) -> TextColumn:
        """Per row the path that stands for the image; empty where its bytes are in the table."""
        names = TextColumn()
        for chunk in self._cells.with_format("arrow")[:][self.column].chunks:
            held, paths = chunk.field("bytes").is_valid(), chunk.field("path")
            for there, path in zip(held.to_pylist(), paths.to_pylist(), strict=True):
                names.append("" if there else path or "")
        return names


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image → (3, H, W) float32 in [−1, 1]."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).float() / 127.5 - 1


def fit_square(image: Image.Image, side: int, at: float = 0.5) -> Image.Image:
    """See `fit`; the shape is a square of `side` pixels."""
    return fit(image, (side, side), at)


def fit(image: Image.Image, shape: tuple[int, int], at: float = 0.5) -> Image.Image:
    """Resize an image until it just covers a shape (bilinear) and crop that.

    Args:
        image: RGB.
        shape: width and height in pixels.
        at: where the shape lies, as a fraction of what overhangs.
    """
    scale = max(side / old for side, old in zip(shape, image.size, strict=True))
    width, height = (max(s, round(o * scale)) for s, o in zip(shape, image.size, strict=True))
    size = (width, height)
    resized = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    left, top = round(at * (width - shape[0])), round(at * (height - shape[1]))
    return resized.crop((left, top, left + shape[0], top + shape[1]))
