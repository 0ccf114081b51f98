"""Images: decoded as people see them, and cut to squares."""

import io

import numpy as np
import pytest
from folders import picture
from PIL import Image

from lit_clid.data.decoding import decode
from lit_clid.data.images import fit_square


def test_transparency_is_laid_on_white_and_exif_obeyed() -> None:

    clear = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(clear, "PNG")
    assert decode(clear).getpixel((0, 0)) == (255, 255, 255)
    turned = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(turned, "JPEG", exif=exif)
    assert decode(turned).size == (4, 8)


@pytest.mark.parametrize("size", [(20, 16), (16, 20), (64, 64), (7, 90)])
def test_fit_square(size: tuple[int, int]) -> None:
    assert fit_square(picture(0, size), 16).size == (16, 16)


def greys(mode: str) -> Image.Image:
    """All 16-bit greys, in a mode that holds them."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    if mode == "I;16B":
        return Image.frombytes(mode, (256, 256), values.astype(">u2").tobytes())
    return Image.fromarray(values)


@pytest.mark.parametrize(("mode", "kind"), [("I;16", "PNG"), ("I;16", "TIFF"), ("I;16B", "TIFF")])
def test_sixteen_bits_keep_their_range(mode: str, kind: str) -> None:
    file = io.BytesIO()
    greys(mode).save(file, kind)
    values = np.asarray(decode(file))[..., 0].ravel().astype(int)
    assert (values[0], values[-1]) == (0, 255)
    assert (np.diff(values) >= 0).all()
    assert abs(values - np.arange(65536) / 257).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_of_unknown_range_are_refused(dtype: type) -> None:
    file = io.BytesIO()
    Image.fromarray(np.ones((4, 4), dtype)).save(file, "TIFF")
    with pytest.raises(ValueError, match="no known range"):
        decode(file)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "CMYK", "YCbCr", "LAB"])
def test_eight_bit_modes_keep_black_and_white(mode: str) -> None:
    drawn = Image.new("RGB", (4, 2), "white")
    drawn.paste((0, 0, 0), (0, 0, 2, 2))
    file = io.BytesIO()
    if mode == "LAB":
        Image.merge("LAB", [drawn.convert("L"), *[Image.new("L", (4, 2), 128)] * 2]).save(
            file, "TIFF"
        )
    else:
        drawn.convert(mode).save(file, "PNG" if mode in ("1", "L", "P", "LA") else "TIFF")
    found = np.asarray(decode(file))
    assert found[:, :2].max() <= 2 and found[:, 2:].min() >= 253


def test_white_is_zero_where_the_file_says_so() -> None:
    file = io.BytesIO()
    greys("I;16").save(file, "TIFF", tiffinfo={262: 0})
    values = np.asarray(decode(file))[..., 0].ravel().astype(int)
    assert (values[0], values[-1]) == (255, 0)


def test_a_clear_sixteen_bit_grey_is_laid_on_white() -> None:
    file = io.BytesIO()
    greys("I;16").save(file, "PNG", transparency=0)
    values = np.asarray(decode(file))[..., 0].ravel()
    assert (values[0], values[300], values[-1]) == (255, 1, 255)
