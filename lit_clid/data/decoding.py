"""Images as people see them: every raster format that Pillow reads, as 8-bit RGB.

Turned as their EXIF says, transparency laid on white, 16 bits a channel brought to 8, CMYK and
palettes to RGB without colour profiles, the first frame of several. HEIC needs the plugin
pillow-heif, which is never required.
"""

import io
import os
import warnings
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageOps, UnidentifiedImageError, features

PHOTOMETRIC = 262
"""The TIFF tag that says whether zero is black or, where it is 0, white."""
ORIENTATION, LYING = 0x0112, 5
"""The EXIF tag that says how an image is turned, and from which value on its sides are swapped."""
AVIF = features.check("avif") is True  # None before Pillow 11.3
JPEG_2000 = features.check("jpg_2000") is True
HEIC = False
with suppress(ImportError):
    import pillow_heif

    pillow_heif.register_heif_opener()
    HEIC = True
FORMATS = (
    *("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"),
    *(("AVIF",) if AVIF else ()),
    *(("JPEG2000",) if JPEG_2000 else ()),
    *(("HEIF",) if HEIC else ()),
)
IMAGE_ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *((".avif",) if AVIF else ()),
    *((".jp2", ".j2k", ".jpx") if JPEG_2000 else ()),
    *((".heic", ".heif") if HEIC else ()),
)
PLUGGED = {ending: "pip install pillow-heif" for ending in (".heic", ".heif") if not HEIC}
"""Endings of images that a plugin of Pillow would decode, each with how to get it."""
UNREADABLE = tuple(
    {".avif", ".heic", ".heif", ".jp2", ".j2k", ".jpx", ".jxl", ".psd", ".svg"}.union(
        {".raw", ".dng", ".cr2", ".nef", ".arw"}
    )
    - set(IMAGE_ENDINGS)
)
"""Endings of images that are not decoded here."""
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""What bytes 8–12 of a HEIC file are."""
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
"""Scans of 90 to 180 million pixels are images; what is larger is refused."""
PIXELS = 2**25
"""Of an image that waits for others as large."""
LARGE = [Lock()]
"""Held while such an image is decoded; another one in a process that was forked meanwhile."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: LARGE.__setitem__(0, Lock()))
DECODER = f"Pillow {PIL.__version__}"
"""What decodes here; another may round otherwise."""


@dataclass(frozen=True)
class Decoded:
    """An RGB image, and whether its file holds frames or pages after it."""

    image: Image.Image
    goes_on: bool


def why_unread(ending: str) -> str:
    """Why images of an ending are not decoded here, and what to do where something can be done."""
    if ending in PLUGGED:
        return f"images of this format need a plugin: {PLUGGED[ending]}"
    return "images of this format are not read"


def decode(file: Path | io.BytesIO) -> Image.Image:
    """An image as RGB.

    Raises:
        ValueError: see `read_image`.
    """
    return read_image(file).image


def read_image(file: Path | io.BytesIO) -> Decoded:
    """An image as RGB, and whether there is more in its file.

    Only raster formats are tried: what is called .png may hold anything, PostScript included.

    Raises:
        ValueError: for pixels whose range is not known (floats, whole numbers beyond 16 bits), and
            for HEIC where its plugin is missing.
    """
    data = io.BytesIO(file.read_bytes()) if isinstance(file, Path) else file
    head = bytes(data.getbuffer()[4:12])
    if not HEIC and head[:4] == b"ftyp" and head[4:] in HEIF_BRANDS:
        raise ValueError(f"HEIC needs a plugin: {PLUGGED['.heic']}")
    with _opened(data) as image, _turn(image.size):
        return Decoded(upright(image), _goes_on(image))


def _turn(size: tuple[int, int]) -> AbstractContextManager[object]:
    """Within this a large image is the only large one that is decoded in this process: each takes
    up to sixteen bytes a pixel, and threads decode side by side.
    """
    return LARGE[0] if size[0] * size[1] > PIXELS else nullcontext()


def upright(image: Image.Image) -> Image.Image:
    """An image that somebody opened as RGB, as if it had been read here.

    Raises:
        ValueError: for pixels whose range is not known.
    """
    return _on_white(_eight_bits(image)).convert("RGB")


def _opened(file: io.BytesIO) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"no image in {', '.join(FORMATS)}") from None


def size_of(file: io.BytesIO) -> tuple[int, int]:
    """Width and height of an image as it will be decoded, of its header alone."""
    with _opened(file) as image:
        width, height = image.size
        lies = image.format != "TIFF" and image.getexif().get(ORIENTATION, 1) >= LYING
        return (height, width) if lies else (width, height)


def _goes_on(image: Any) -> bool:
    """Whether a file holds frames or pages after the first; a camera's previews are none."""
    if image.format == "MPO":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # what follows is broken, which is nobody's loss
        return True


def _eight_bits(image: Any) -> Image.Image:
    """The image upright, greys of 16 bits as greys of 8."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode != "F" and not turned.mode.startswith("I"):
        return turned
    tags = getattr(image, "tag_v2", {})
    return _scaled(
        turned,
        known=turned.mode != "F" and image.format in ("PNG", "JPEG2000"),
        inverted=tags.get(PHOTOMETRIC) == 0,
    )


def _on_white(image: Image.Image) -> Image.Image:
    """The image on a white ground where it is transparent."""
    if image.mode not in ("RGBA", "RGBa", "LA", "La", "PA") and "transparency" not in image.info:
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)


def _scaled(image: Image.Image, *, known: bool, inverted: bool) -> Image.Image:
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
