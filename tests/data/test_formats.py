"""Every format and mode that people keep images in is seen as a plainly converted PNG is."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from folders import options
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lit_clid.data import decoding
from lit_clid.data.decoding import AVIF, HEIC, JPEG_2000, decode, read_image
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("1", "L", "P"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"),
    **({"AVIF": ("L", "RGB", "RGBA")} if AVIF else {}),
    **({"JPEG2000": ("L", "LA", "RGB", "RGBA", "I;16")} if JPEG_2000 else {}),
    **({"HEIF": ("L", "RGB", "RGBA")} if HEIC else {}),
}
PAIRS = [(kind, mode) for kind, modes in MODES.items() for mode in modes]
LOSSY = {"JPEG": 8, "AVIF": 8, "HEIF": 8}
"""By how many of 256 steps smooth colours may be off where chroma has every pixel (YCbCr in 8 bits
rounds by up to 3, the codecs by some more).
"""
SAVING: dict[str, dict[str, object]] = {
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 100, "subsampling": 0},
    "AVIF": {"quality": 100, "subsampling": "4:4:4", "speed": 8},
    "HEIF": {"quality": 100, "chroma": 444},
}


def smooth(width: int, height: int, seed: int) -> Image.Image:
    """Colours that run gently, so that lossy formats keep them."""
    ends = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(ends).resize((width, height), Image.Resampling.BILINEAR)


def clear(size: tuple[int, int]) -> Image.Image:
    """How opaque an image is: less and less from left to right."""
    row = np.linspace(255, 0, size[0]).astype(np.uint8)
    return Image.fromarray(np.tile(row, (size[1], 1)))


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        grey = np.asarray(image.convert("L"))
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "P":
        return image.quantize(64)
    made = image.convert(mode)
    if "A" in mode:
        made.putalpha(clear(image.size))
    return made


def plainly(image: Image.Image, mode: str) -> Image.Image:
    """The same as an RGB PNG that someone made by hand, on white."""
    if "A" not in mode:
        return in_mode(image, "L" if mode == "I;16" else mode).convert("RGB")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image.convert(mode[:-1]).convert("RGB"), mask=clear(image.size))
    return flat


def encoded(image: Image.Image, kind: str, **more: object) -> io.BytesIO:
    image.save(file := io.BytesIO(), kind, **{**SAVING.get(kind, {}), **more})
    return file


def distance(one: Image.Image, other: Image.Image) -> int:
    assert one.mode == other.mode == "RGB" and one.size == other.size
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.parametrize(("kind", "mode"), PAIRS)
@settings(max_examples=4, deadline=None)
@given(width=st.integers(16, 70), height=st.integers(16, 70), seed=st.integers(0, 99))
def test_a_format_in_a_mode_is_what_a_plain_png_is(
    kind: str, mode: str, width: int, height: int, seed: int
) -> None:
    image = smooth(width, height, seed)
    found = decode(encoded(in_mode(image, mode), kind))
    assert distance(found, plainly(image, mode)) <= LOSSY.get(kind, 1)


TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF's orientation → Pillow's transposition that undoes it."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [k for k in MODES if k in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")])
def test_exif_turns_every_format(kind: str, orientation: int) -> None:
    image = smooth(40, 24, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS.get(orientation)
    wanted = image if turn is None else image.transpose(Image.Transpose(turn))
    assert distance(decode(encoded(image, kind, exif=exif)), wanted) <= LOSSY.get(kind, 0)


def png(values: np.ndarray, colour: int) -> io.BytesIO:
    """A PNG of 16 bits a channel, which Pillow does not write."""
    height, width = values.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    file = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    file.seek(0, 2)
    for name, content in parts:
        check = zlib.crc32(name + content)
        file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", check))
    return file


@pytest.mark.parametrize(("colour", "mode"), [(2, "RGB"), (4, "LA"), (6, "RGBA")])
def test_sixteen_bits_a_channel_are_what_eight_are(colour: int, mode: str) -> None:
    """Half a step and the rounding of transparency apart."""
    image = in_mode(smooth(31, 17, 4), mode)
    found = decode(png(np.asarray(image).astype(np.uint16) * 257, colour))
    assert distance(found, plainly(smooth(31, 17, 4), mode)) <= 2


@pytest.mark.parametrize("kind", [k for k in MODES if k in ("PNG", "GIF", "WEBP", "TIFF", "AVIF")])
def test_the_first_of_several_frames_is_read_and_it_is_known(kind: str) -> None:
    frames = [smooth(24, 24, k) for k in range(3)]
    if kind == "GIF":
        frames = [frame.quantize(64).convert("RGB") for frame in frames]
    found = read_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert found.goes_on
    assert distance(found.image, frames[0]) <= LOSSY.get(kind, 0)
    assert not read_image(encoded(frames[0], kind)).goes_on


def test_what_is_behind_the_first_frame_may_be_broken() -> None:
    frames = [smooth(24, 24, k).quantize(64).convert("RGB") for k in range(3)]
    whole = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]).getvalue()
    assert distance(decode(io.BytesIO(whole[:-200])), frames[0]) == 0


def heif_like() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + bytes(12)


def test_heic_without_its_plugin_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugged = {".heic": "pip install pillow-heif"}
    monkeypatch.setattr(decoding, "HEIC", False)
    monkeypatch.setattr(decoding, "PLUGGED", plugged)
    with pytest.raises(ValueError, match="HEIC needs a plugin: pip install pillow-heif"):
        decode(io.BytesIO(heif_like()))
    assert "pip install pillow-heif" in decoding.why_unread(".heic")


@pytest.mark.skipif(HEIC, reason="pillow-heif is installed")
def test_a_folder_of_heic_alone_names_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(heif_like())
    (tmp_path / "a.txt").write_text("a cat")
    with pytest.raises(UserError, match="pip install pillow-heif"):
        open_source(options(tmp_path))
