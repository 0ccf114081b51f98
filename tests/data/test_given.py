"""Records that are handed over in memory."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.given import given_split
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError


def square(grey: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (grey, grey, grey))


def pairs(first: int, count: int = 4) -> list[Any]:
    return [(square(first + k), f"a square of grey {first + k}") for k in range(count)]


class MapStyle:
    """As PyTorch's data sets are."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, row: int) -> dict[str, Any]:
        image, text = pairs(0)[row]
        return {"image": image, "text": text}


def captions(given: Any) -> list[str]:
    split = given_split(given, pairs(100), 256, 0)
    place = split.places
    found = [place[entry.id] for entry in split.of("target", True)]
    return [source.captions[row] for source, row in found]


def test_whatever_holds_records_will_do(tmp_path: Path) -> None:
    wanted = [text for _, text in pairs(0)]
    for k, (image, text) in enumerate(pairs(0)):
        image.save(tmp_path / f"{k}.png")
        (tmp_path / f"{k}.txt").write_text(text)
    files = [(tmp_path / f"{k}.png", text) for k, text in enumerate(wanted)]
    dictionaries = [{"image": str(file), "caption": text} for file, text in files]
    options = DataOptions(source="imagefolder", path=str(tmp_path))
    for given in (pairs(0), iter(pairs(0)), MapStyle(), files, dictionaries, tmp_path):
        assert captions(given) == wanted
    assert captions(open_source(options)) == wanted


def test_a_table_of_datasets() -> None:
    import datasets

    columns = {"image": [image for image, _ in pairs(0)], "text": [text for _, text in pairs(0)]}
    table = datasets.Dataset.from_dict(
        columns,
        features=datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")}),
    )
    assert captions(table) == columns["text"]


def test_records_are_picked_by_the_seed() -> None:
    many, others = pairs(0, 90), pairs(100, 90)
    splits = [given_split(many, others, 30, seed) for seed in (0, 0, 1)]
    assert all(len(split.of("target", kind)) == 30 for split in splits for kind in (True, False))
    assert splits[0].fingerprint == splits[1].fingerprint != splits[2].fingerprint
    picture = splits[0].entries[0]
    source, row = splits[0].places[picture.id]
    grey = source.open_image(row).getpixel((0, 0))
    assert source.captions[row] == f"a square of grey {grey[0]}"  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (pairs(0, 1), "1 members are too few"),
        (pairs(100), "images of members too"),
        ([*pairs(0), "a text"], r"members\[4\] is no pair"),
        ([*pairs(0), (3, "a text")], r"the image of members\[4\] is of type int"),
        (
            [*pairs(0), (square(9), 0.5)],
            r"column 'text' in row 5: holds 0.5 \(float\) where text",
        ),
        ([*pairs(0), (square(9), " ")], "empty caption"),
        ([*pairs(0), (Path("nowhere.png"), "a text")], "image does not decode"),
        ({"image": [], "caption": []}, "members are of type dict"),
        (7, "members are of type int"),
        ("nowhere", "no folder nowhere"),
    ],
)
def test_bad_records(given: Any, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        given_split(given, pairs(100), 256, 0)
