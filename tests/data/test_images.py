"""Images: decoded as people see them, and cut to squares."""

import pytest
from folders import picture
from PIL import Image

from lit_clid.data.images import decode, fit_square


def test_transparency_is_laid_on_white_and_exif_obeyed() -> None:
    import io

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
