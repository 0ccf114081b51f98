"""Features of records that no model has seen: what captions and images say by themselves.

If these tell members from hold-outs, the two kinds differ in something else than training (Das et
al. 2024), and an attack may have found just that.
"""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
from PIL import Image

from lit_clid.data.entries import Entries
from lit_clid.data.source import Source
from lit_clid.data.split import Split

SIDE = 64
"""Pixels of the square that colours and frequencies are taken of."""
BANDS = 6
SIGNS = {"capitals": r"[A-Z]", "digits": r"\d", "marks": r"[^\w\s]"}
"""What kinds of signs are counted, by pattern."""
WORDS = 24
"""Places that words are hashed to."""


def blind_features(split: Split, entries: Entries) -> dict[str, np.ndarray]:
    """Features of the records by name, each (N,) float64: lengths and words of captions, size,
    compressed size, colours, radial frequencies and the perceptual hash of images.
    """

    def one(place: tuple[Source, int]) -> dict[str, float]:
        source, row = place
        image = source.open_image(row)
        return caption_features(source.captions[row]) | image_features(image) | look(image)

    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(one, split.located(entries)))
    columns = np.array([list(row.values()) for row in rows])
    return dict(zip(rows[0], columns.T, strict=True))


def caption_features(text: str) -> dict[str, float]:
    """How long a caption is, what signs it has, and which words, hashed to `WORDS` places."""
    words = re.findall(r"\w+", text.lower())
    signs = max(1, len(text))
    found = {
        "caption_characters": float(len(text)),
        "caption_words": float(len(words)),
        "caption_word_length": len("".join(words)) / max(1, len(words)),
    }
    for name, pattern in SIGNS.items():
        found[f"caption_{name}"] = len(re.findall(pattern, text)) / signs
    counts = [0.0] * WORDS
    for word in words:
        counts[blake2b(word.encode(), digest_size=4).digest()[0] % WORDS] += 1
    return found | {f"word_{k}": count for k, count in enumerate(counts)}


def look(image: Image.Image) -> dict[str, float]:
    """The perceptual hash of an image, 16 bits each in four numbers."""
    import imagehash

    bits = imagehash.phash(image).hash.ravel()
    words = np.packbits(bits).view(">u2")
    return {f"look_{k}": float(word) for k, word in enumerate(words)}


def image_features(image: Image.Image) -> dict[str, float]:
    """An RGB image's size and compressed size, and the colours and frequencies of its square."""
    width, height = image.size
    square = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    packed = io.BytesIO()
    square.save(packed, "PNG")
    pixels = np.asarray(square, np.float64) / 255
    found = {
        "image_width": float(np.log(width)),
        "image_height": float(np.log(height)),
        "image_bytes": float(np.log(packed.tell())),
    }
    for k, channel in enumerate("rgb"):
        plane = pixels[..., k]
        found[f"{channel}_mean"], found[f"{channel}_spread"] = plane.mean(), plane.std()
        found[f"{channel}_dark"] = float(np.quantile(plane, 0.05))
        found[f"{channel}_light"] = float(np.quantile(plane, 0.95))
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    found["corner_mean"], found["corner_spread"] = float(corners.mean()), float(corners.std())
    grey = pixels.mean(axis=2)
    power = np.abs(np.fft.fftshift(np.fft.fft2(grey - grey.mean()))) ** 2
    away = np.hypot(*(np.indices(power.shape) - SIDE // 2)) / (SIDE // 2)
    for k in range(BANDS):
        ring = (away >= k / BANDS) & (away < (k + 1) / BANDS)
        found[f"frequency_{k}"] = float(np.log(power[ring].mean() + 1e-9))
    return {name: float(value) for name, value in found.items()}
