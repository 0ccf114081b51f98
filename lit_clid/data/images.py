"""Images by row number, drawn, in files or in a table; safely decoded, and as tensors."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene

EMBEDDED = {"critters": critter, "scenes": scene}
"""The embedded families: a function from a number to a captioned drawing each."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")


@dataclass(frozen=True)
class DrawnImages:
    """Images of an embedded family by row."""

    family: str
    numbers: tuple[int, ...]

    def __call__(self, row: int) -> Image.Image:
        return EMBEDDED[self.family](self.numbers[row]).image


@dataclass(frozen=True)
class FileImages:
    """Images in files by row."""

    files: tuple[Path, ...]

    def __call__(self, row: int) -> Image.Image:
        return decode(self.files[row])


@dataclass(frozen=True)
class TableImages:
    """Images in a column of a `datasets` table: bytes, or paths that must stay inside `allowed`."""

    dataset: Any
    column: str
    allowed: tuple[Path, ...]

    def __call__(self, row: int) -> Image.Image:
        cell = self.dataset[row][self.column]
        if cell is None:
            raise ValueError("no image")
        if cell["bytes"] is not None:
            return decode(io.BytesIO(cell["bytes"]))
        path = (self.allowed[0] / cell["path"]).resolve()
        if not any(path.is_relative_to(folder) for folder in self.allowed):
            raise ValueError(f"{path} lies outside {self.allowed[0]}")
        return decode(path)


def decode(file: Path | io.BytesIO) -> Image.Image:
    """Open an image as RGB: turned as its EXIF says, transparency laid on white.

    Only raster formats are tried: what is called .png may hold anything, PostScript included.
    """
    with Image.open(file, formats=FORMATS) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            layered = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
        return upright.convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image → (3, H, W) float32 in [−1, 1]."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).float() / 127.5 - 1


def fit_square(image: Image.Image, side: int, at: float = 0.5) -> Image.Image:
    """Resize the shorter side to `side` (bilinear) and crop a square.

    Args:
        image: RGB.
        side: in pixels.
        at: where the square lies, as a fraction of what overhangs.
    """
    width, height = image.size
    scale = side / min(width, height)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    resized = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    left, top = round(at * (size[0] - side)), round(at * (size[1] - side))
    return resized.crop((left, top, left + side, top + side))
