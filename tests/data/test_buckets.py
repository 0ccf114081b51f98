"""Buckets: shapes of one area, each image in the nearest that fills a batch, each seen equally."""

import io
from collections import Counter
from math import log
from pathlib import Path

import pytest
from folders import options, picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lit_clid.data.buckets import Bucketing, BucketStream, Shape
from lit_clid.data.decoding import AVIF, decode, size_of
from lit_clid.data.images import fit
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import load_split

SIZES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
MODERN = ["AVIF"] if AVIF else []
SHAPES: list[Shape] = [(64, 64)] * 10 + [(80, 48)] * 6 + [(48, 80)] * 4


@pytest.mark.parametrize(("side", "factor"), [(32, 8), (64, 8), (512, 8), (768, 8), (1024, 16)])
def test_shapes_are_of_about_one_area(side: int, factor: int) -> None:
    shapes = Bucketing(side, factor).shapes
    assert (side, side) in shapes and len(shapes) > 4
    assert {(height, width) for width, height in shapes} == set(shapes)
    for width, height in shapes:
        assert width % factor == height % factor == 0
        assert 0.7 * side**2 <= width * height <= side**2
        assert side <= 2 * min(width, height) and max(width, height) <= 2 * side


def test_no_side_is_longer_than_the_model_takes() -> None:
    assert max(max(shape) for shape in Bucketing(512, 16, 640).shapes) == 640
    assert Bucketing(512, 16, 512).shapes == ((512, 512),)


@given(sizes=st.lists(SIZES, min_size=1, max_size=60), fewest=st.integers(1, 9))
def test_every_shape_that_is_taken_fills_a_batch(sizes: list[Shape], fewest: int) -> None:
    chosen = Bucketing(512, 8).assign(sizes, fewest)
    counts = Counter(chosen)
    assert len(chosen) == len(sizes)
    assert len(counts) == 1 or min(counts.values()) >= fewest


@given(sizes=st.lists(SIZES, min_size=1, max_size=60))
def test_an_image_takes_the_nearest_aspect_ratio(sizes: list[Shape]) -> None:
    bucketing = Bucketing(512, 8)
    for size, chosen in zip(sizes, bucketing.assign(sizes, 1), strict=True):
        ratios = {shape: abs(log(size[0] / size[1]) - log(shape[0] / shape[1]))
                  for shape in bucketing.shapes}  # fmt: skip
        assert ratios[chosen] == pytest.approx(min(ratios.values()), abs=1e-9)


def stream(total: int, **more: object) -> list[list[tuple[int, int]]]:
    return list(BucketStream(SHAPES, 4, total, 0, **more))  # type: ignore[arg-type]


def test_a_batch_has_one_shape_and_every_member_its_share() -> None:
    batches = stream(200)
    for batch in batches:
        assert len({SHAPES[index] for index, _ in batch}) == 1
    seen = Counter(index for batch in batches for index, _ in batch)
    for shape in set(SHAPES):
        own = [seen[index] for index, each in enumerate(SHAPES) if each == shape]
        assert max(own) - min(own) <= 1
        assert abs(sum(own) / 4 - 200 * len(own) / len(SHAPES)) <= 1


def test_batches_are_a_function_of_the_seed_and_their_number() -> None:
    whole = stream(50)
    assert stream(50, start=lambda: 33) == whole[33:]
    assert list(BucketStream(SHAPES, 4, 50, 1)) != whole
    ranks = [list(BucketStream(SHAPES, 2, 50, 0, rank=r, world=2)) for r in range(2)]
    assert [a + b for a, b in zip(*ranks, strict=True)] == whole


def test_a_shape_is_covered_and_nothing_is_stretched() -> None:
    image = Image.linear_gradient("L").resize((200, 100)).convert("RGB")
    for shape in Bucketing(64, 8).shapes:
        assert fit(image, shape).size == shape
    whole = fit(image, (128, 64))  # of the image's own ratio: nothing is cut
    assert whole.tobytes() == image.resize((128, 64), Image.Resampling.BILINEAR).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", *MODERN])
def test_sizes_are_those_of_the_decoded_image(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    more = {} if kind in ("GIF", "BMP") else {"exif": exif}
    picture(1, (40, 24)).save(file := io.BytesIO(), kind, **more)
    assert size_of(file) == decode(file).size


def test_members_alone_are_cut_to_shapes(tmp_path: Path) -> None:
    for k in range(24):
        picture(k, [(40, 20), (20, 40), (30, 30)][k % 3]).save(tmp_path / f"{k:02d}.png")
        (tmp_path / f"{k:02d}.txt").write_text(f"picture number {k}")
    chosen = options(tmp_path, members=6, nonmembers=6, buckets=True)
    split = load_split(chosen, 0, tmp_path / "run")
    wanted = {"seed": 0, "side": 32, "batch_size": 1, "bucketing": Bucketing(32, 8)}
    data = CaptionedImages(split, chosen, "target", **wanted)  # type: ignore[arg-type]
    for row, entry in enumerate(data.members.entries):
        width, height = [(48, 16), (16, 48), (32, 32)][int(entry.id[:2]) % 3]
        assert data.members.image(row).shape in {(3, height, width), (3, 24, 40), (3, 40, 24)}
    for records in (data.known, data.holdouts, data.audited):
        assert records.image(0).shape == (3, 32, 32)
