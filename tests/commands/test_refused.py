"""Records that cannot be used: ten in the message, all in a file of the run."""

from pathlib import Path

import pytest
from folders import image_folder, picture

from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import planned_split, split_of
from lit_clid.errors import UserError


def broken(tmp_path: Path, count: int) -> Settings:
    """A configuration whose first records do not decode."""
    folder = image_folder(tmp_path / "images", 48)
    for k in range(count):
        (folder / f"{k:03d}.png").write_bytes(b"")
    return read(["configs/folder.yaml", f"data.path={folder}", f"runs={tmp_path}", "name=mine"])


def test_a_long_list_goes_on_in_a_file(tmp_path: Path) -> None:
    config = broken(tmp_path, 12)
    with pytest.raises(UserError) as caught:
        split_of(config, "demo")
    file, said = tmp_path / "mine" / "refused.txt", str(caught.value)
    assert "12 rows cannot be used: 000.png (row 1)" in said and "009.png" in said
    assert f"and 2 more (all in {file}); mend or remove them" in said
    assert "010.png" not in said and "\n" not in said
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12 and lines[11].startswith("011.png (row 12): image does not decode")
    for k in range(12):
        picture(k).save(tmp_path / "images" / f"{k:03d}.png")
    split_of(config, "demo")
    assert not file.exists()


def test_a_run_that_is_only_planned_writes_none(tmp_path: Path) -> None:
    config = broken(tmp_path, 12)
    with pytest.raises(UserError, match=r"009\.png .* and 2 more; mend"):
        planned_split(config, tmp_path / "planned", list)
    assert not (tmp_path / "mine").exists()


def test_a_short_list_stands_in_the_message(tmp_path: Path) -> None:
    config = broken(tmp_path, 10)
    with pytest.raises(UserError, match=r"10 rows cannot be used: .*009\.png") as caught:
        split_of(config, "demo")
    assert "all in" not in str(caught.value) and not (tmp_path / "mine").exists()


def test_where_nothing_can_be_written_the_message_stays(tmp_path: Path) -> None:
    config = broken(tmp_path, 12)
    (tmp_path / "mine").write_text("in the way")
    with pytest.raises(UserError, match=r"12 rows cannot be used: .* and 2 more; mend"):
        split_of(config, "demo")
