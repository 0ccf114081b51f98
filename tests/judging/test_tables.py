"""Tables from disk: which of them belong together, and which are refused."""

from pathlib import Path

import numpy as np
import pytest
from tables import tables

from lit_clid.errors import UserError
from lit_clid.judging.tables import load_tables
from lit_clid.scores import Scores


def write(folder: Path) -> tuple[Scores, Scores]:
    """Target, shadow and their references in a folder, as an audit leaves them."""
    folder.mkdir(parents=True)
    (target, reference), (shadow, beside) = tables(0, 1.0, 20), tables(1, 1.0, 20)
    target.save(folder / "target.parquet")
    shadow.save(folder / "shadow.parquet")
    reference.save(folder / "reference.parquet")
    beside.save(folder / "reference_shadow.parquet")
    return target, shadow


@pytest.mark.parametrize("named", ["", "target.parquet"])
def test_a_folder_is_its_target_with_what_lies_beside(tmp_path: Path, named: str) -> None:
    target, shadow = write(tmp_path / "run")
    found, others = load_tables(str(tmp_path / "run" / named), None)
    assert set(others) == {"shadow", "reference", "reference_shadow"}
    assert found.ids == target.ids
    assert others["shadow"] is not None and others["shadow"].ids == shadow.ids
    np.testing.assert_array_equal(found.signals["loss"], target.signals["loss"])


def test_a_table_of_another_name_stands_alone(tmp_path: Path) -> None:
    target, _ = write(tmp_path / "run")
    target.save(tmp_path / "run" / "mine.parquet")
    _, others = load_tables(str(tmp_path / "run" / "mine.parquet"), None)
    assert others == {"shadow": None}


def test_another_s_shadow_does_not_take_this_one_s_references(tmp_path: Path) -> None:
    """The references speak of the records of the shadow beside them."""
    write(tmp_path / "run")
    other, _ = tables(2, 1.0, 20)
    other.save(tmp_path / "other.parquet")
    _, others = load_tables(str(tmp_path / "run"), str(tmp_path / "other.parquet"))
    assert set(others) == {"shadow"}


def test_a_shadow_of_the_very_records_is_refused(tmp_path: Path) -> None:
    target, _ = write(tmp_path / "run")
    target.save(tmp_path / "run" / "again.parquet")
    with pytest.raises(UserError, match="holds the very records"):
        load_tables(str(tmp_path / "run"), str(tmp_path / "run" / "again.parquet"))
