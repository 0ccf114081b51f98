"""Records in memory as sources: whatever holds them, opened as files are."""

from pathlib import Path
from typing import Any

import pytest
from folders import image_folder, picture
from PIL import Image

from lit_clid.config.options.data import DataOptions
from lit_clid.data.handed import given_source, handed
from lit_clid.data.sources import open_sources
from lit_clid.errors import UserError

PLAIN = DataOptions()


class MapStyle:
    """As PyTorch's data sets are; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, row: int) -> dict[str, Any]:
        self.asked.append(row)
        return {"image": picture(row), "caption": f"picture {row}"}


def test_a_map_style_data_set_keeps_its_images() -> None:
    given = MapStyle()
    source = given_source(given, "members", PLAIN)
    assert source.captions == ("picture 0", "picture 1", "picture 2")
    seen = list(given.asked)
    assert source.open_image(1).tobytes() == picture(1).tobytes()
    assert given.asked == [*seen, 1]


def test_images_are_seen_as_files_are(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    grey = Image.new("I;16", (4, 4), 32896)
    grey.save(tmp_path / "grey.png")
    for held, name in ((clear, "clear.png"), (grey, "grey.png")):
        pair = [(held, "held"), (tmp_path / name, "a file")]
        images = given_source(pair, "members", PLAIN).open_image
        assert images(0).tobytes() == images(1).tobytes()
    assert given_source([(clear, "white")], "m", PLAIN).open_image(0).getpixel((0, 0)) == (255,) * 3


def test_records_have_the_columns_that_the_options_name() -> None:
    rows = [
        {"image": picture(k), "text": [f"first {k}", f"second {k}"], "artist": "ab"[k % 2]}
        for k in range(4)
    ]
    source = given_source(rows, "suspects", DataOptions(group_column="artist"))
    assert source.groups == ("a", "b", "a", "b")
    assert source.captions[1] == "first 1" and source.others is not None
    assert source.others[1] == ("second 1",)
    named = [{"scan": picture(k), "words": f"w {k}", "text": "no"} for k in range(2)]
    options = DataOptions(image_column="scan", caption_column="words")
    assert given_source(named, "members", options).captions == ("w 0", "w 1")


def test_a_table_of_pandas() -> None:
    import pandas

    frame = pandas.DataFrame({"image": [picture(0), picture(1)], "text": ["a", "b"]})
    assert given_source(frame, "members", PLAIN).captions == ("a", "b")


def test_images_alone_will_do_where_a_model_writes_captions() -> None:
    bare = [picture(0), picture(1)]
    assert given_source(bare, "members", DataOptions(captions="a-model")).captions == ("", "")
    with pytest.raises(UserError, match=r"members\[0\] is no pair"):
        given_source(bare, "members", PLAIN)


def test_a_folder_that_datasets_listed_is_read_and_a_path_of_the_data_is_not(
    tmp_path: Path,
) -> None:
    import datasets

    folder = image_folder(tmp_path / "images", 4)
    listed = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / "cache")
    )
    source = given_source(listed, "members", PLAIN)
    assert source.open_image(0).size == (20, 16)
    path = str(folder / "000.png")
    stray = datasets.Dataset.from_dict(
        {"image": [{"path": path, "bytes": None}], "text": ["a path"]},
        features=datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")}),
    )
    assert given_source(stray, "members", PLAIN).open_image(0).size == (20, 16)  # named here
    stray.info.builder_name = "parquet"
    with pytest.raises(ValueError, match="lies outside"):
        given_source(stray, "members", PLAIN).open_image(0)


def test_records_are_there_while_they_are_handed_over() -> None:
    options = DataOptions(
        source="memory", path="members", nonmember_path="holdouts", members=2, nonmembers=2
    )
    records = {
        name: [(picture(k + at), f"{name} {k}") for k in range(3)]
        for at, name in ((0, "members"), (10, "holdouts"))
    }
    with handed(records):
        found = open_sources(options)
        with handed({"members": records["holdouts"]}):
            assert open_sources(options)["first"].captions[0] == "holdouts 0"
        assert open_sources(options)["first"].captions[0] == "members 0"
    assert found["nonmembers"].names[0].startswith("nonmembers:")
    with pytest.raises(UserError, match="'memory' stands for records"):
        open_sources(options)
