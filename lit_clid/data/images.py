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
PHOTOMETRIC = 262
"""The TIFF tag that says whether zero is black or, where it is 0, white."""
try:
    from PIL import AvifImagePlugin

    AVIF = bool(AvifImagePlugin.SUPPORTED)
except ImportError:  # Pillow before 11.3
    AVIF = False
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", *(("AVIF",) if AVIF else ()))


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
    """Open an image as RGB: turned as its EXIF says, transparency laid on white, 16 bits a channel
    brought to 8.

    Only raster formats are tried: what is called .png may hold anything, PostScript included.

    Raises:
        ValueError: for pixels whose range is not known (floats, whole numbers beyond 16 bits).
    """
    with Image.open(file, formats=FORMATS) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode == "F" or upright.mode.startswith("I"):
            tags = getattr(image, "tag_v2", {})
            upright = _eight_bits(
                upright,
                known=upright.mode != "F" and image.format == "PNG",
                inverted=tags.get(PHOTOMETRIC) == 0,
            )
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            layered = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
        return upright.convert("RGB")


def _eight_bits(image: Image.Image, *, known: bool, inverted: bool) -> Image.Image:
    """An image of 16-bit greys as 8-bit greys: v / 257, rounded, so that black and white stay.

    Args:
        known: that wider pixels hold 16 bits.
        inverted: that zero is white.
    """
    values = np.asarray(image)
    if not image.mode.startswith("I;16") and not known:
        raise ValueError(
            f"pixels of mode {image.mode} have no known range; save the image with 8 or 16 bits"
        )
    scaled = (values.astype(np.uint32) * 2 + 257) // 514
    if inverted:
        scaled = 255 - scaled
    clear = image.info.get("transparency")
    if isinstance(clear, int):  # laid on white
        scaled[values == clear] = 255
    return Image.fromarray(scaled.astype(np.uint8))


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
