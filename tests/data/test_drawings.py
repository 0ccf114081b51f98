from hashlib import blake2b

import pytest

from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene

FAMILIES = {"scene": scene, "critter": critter}


def digest(family: str, index: int) -> str:
    drawing = FAMILIES[family](index)
    return blake2b(drawing.image.tobytes() + drawing.caption.encode(), digest_size=8).hexdigest()


@pytest.mark.parametrize(
    ("family", "index", "expected"),
    [
        ("scene", 0, "5fedcc3751fa7342"),
        ("scene", 10**9 + 7, "95c0df23ca18097f"),
        ("critter", 0, "2e86f78fb783b530"),
        ("critter", -5, "eee61f457ff26481"),
    ],
)
def test_a_drawing_is_the_same_on_every_machine(family: str, index: int, expected: str) -> None:
    assert digest(family, index) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_drawings_are_64_pixel_rgb_and_differ(family: str) -> None:
    drawings = [FAMILIES[family](k) for k in range(200)]
    assert all(d.image.size == (64, 64) and d.image.mode == "RGB" for d in drawings)
    assert len({d.image.tobytes() for d in drawings}) == 200
    assert len({d.caption for d in drawings}) == 200


def test_captions_leave_things_untold() -> None:
    """Drawings of one caption differ: the caption is not a code of the picture."""
    seen: dict[str, set[bytes]] = {}
    for k in range(4000):
        words = scene(k).caption.split(", on ")[1]
        seen.setdefault(words, set()).add(scene(k).image.tobytes()[:3])
        if k > 200 and min(map(len, seen.values())) > 1:
            break
    assert min(map(len, seen.values())) > 1  # the ground's shade varies under one name
