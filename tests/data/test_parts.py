"""Parts of a split: whose caption a record is given, and what stays."""

from pathlib import Path

from folders import captions_of, image_folder

from lit_clid.config.options.data import DataOptions
from lit_clid.data.parts import FEWEST, only, swapped
from lit_clid.data.split import Split, load_split


def split(folder: Path, members: int = 10, nonmembers: int = 9) -> Split:
    image_folder(folder / "images", 40)
    options = DataOptions(
        source="imagefolder",
        path=str(folder / "images"),
        members=members,
        nonmembers=nonmembers,
    )
    return load_split(options, 0, folder / "run")


def test_everybody_has_the_caption_of_another_of_its_kind(tmp_path: Path) -> None:
    whole = split(tmp_path)
    part = swapped(whole, 8, seed=0)
    assert part is not None
    before, after = captions_of(whole), captions_of(part)
    for member in (True, False):
        names = [entry.id for entry in part.of("target", member)]
        assert len(names) == 8
        assert all(after[name] != before[name] for name in names)
        assert {after[name] for name in names} == {before[name] for name in names}
    assert not part.of("shadow")
    assert part.asked != only(whole, after).asked
    again = swapped(whole, 8, seed=0)
    assert again is not None and captions_of(again) == after


def test_too_few_are_not_swapped(tmp_path: Path) -> None:
    assert swapped(split(tmp_path, members=FEWEST - 1), 100, seed=0) is None


def test_only_some_are_asked(tmp_path: Path) -> None:
    whole = split(tmp_path)
    some = {entry.id for entry in whole.of("target", True)[:3]}
    part = only(whole, some)
    assert {entry.id for entry in part.entries} == some
    assert all(entry.role == "target" for entry in part.entries)
