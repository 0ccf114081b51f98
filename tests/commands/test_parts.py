"""Audits by several processes, in parts or together: the table is that of one process, to the last
digit.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from runs import Run, on_terminal, start
from sklearn.metrics import roc_auc_score

from lit_clid.commands import audit
from lit_clid.scores import Scores

FEW = (
    "data.members=18",
    "data.nonmembers=18",
    "audit.reference=null",
    "audit.swapped=0",
    "audit.batch_size=4",
    "attacks=[loss, clid_th_null]",
)


def words(folder: Path, pipeline: Path, name: str, *more: str) -> list[str]:
    return [f"runs={folder}", f"name={name}", f"audit.target={pipeline}", *FEW, *more]


def table(folder: Path, name: str) -> Scores:
    return Scores.load(folder / name / "scores" / "target.parquet")


def assert_identical(found: Scores, expected: Scores) -> None:
    assert found.ids == expected.ids and (found.member == expected.member).all()
    for column, values in expected.signals.items():
        np.testing.assert_array_equal(found.signals[column], values, column)


@pytest.fixture(scope="module")
def alone(pipeline_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by this process, which has threads of its own: sums differ in their last digit."""
    folder = tmp_path_factory.mktemp("alone")
    audit.main(words(folder, pipeline_folder, "one", "trainer.enable_progress_bar=false"))
    return folder


@pytest.fixture(scope="module")
def one(pipeline_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of an audit by one process alone."""
    folder = tmp_path_factory.mktemp("one")
    process = start("audit.py", *words(folder, pipeline_folder, "one"))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return folder


@pytest.mark.slow
def test_the_last_part_to_end_makes_the_table(
    alone: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    scores, quiet = tmp_path / "three" / "scores", "trainer.enable_progress_bar=false"
    for part in ("2/3", "3/3", "2/3"):
        given = words(tmp_path, pipeline_folder, "three", f"audit.part={part}", quiet)
        code, printed = run("audit", *given)
        assert code == 0 and "the last part to end makes the tables" in printed
        assert not (scores / "target.parquet").exists()
    assert "target: 0 records" in printed.replace("  ", " ") or "0 records" in printed
    given = words(tmp_path, pipeline_folder, "three", quiet)
    code, printed = run("audit", *given, "audit.part=1/3")
    assert code == 0 and "report: " in printed
    assert not (scores / "target.shards").exists()
    assert_identical(table(tmp_path, "three"), table(alone, "one"))
    code, printed = run("audit", *given, "audit.part=2/3")
    assert code == 0 and "already audited" in printed


@pytest.mark.slow
def test_without_a_part_what_is_missing_is_asked(
    alone: Path, pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    given = words(tmp_path, pipeline_folder, "some", "trainer.enable_progress_bar=false")
    audit.main([*given, "audit.part=1/3"])
    code, printed = run("audit", *given)
    assert code == 0 and "24 records" in printed
    assert_identical(table(tmp_path, "some"), table(alone, "one"))


def test_parts_that_cannot_be_are_one_line(run: Run) -> None:
    for part in ("4/3", "0/3", "1/2/3", "half"):
        code, printed = run("audit", f"audit.part={part}")
        assert code == 2 and f"audit.part: '{part}' is not a part such as 2/8" in printed
    code, printed = run("audit", "audit.part=1/2", "evidence.stop_at=0.01")
    assert code == 2 and "set evidence.stop_at=null, or leave audit.part out" in printed


@pytest.mark.slow
def test_two_processes_show_the_auroc_of_the_table(
    one: Path, pipeline_folder: Path, tmp_path: Path
) -> None:
    two = ("trainer.devices=2", "trainer.strategy=ddp", "headline=loss")
    code, out = on_terminal("audit.py", *words(tmp_path, pipeline_folder, "two", *two))
    assert code == 0, out
    found = table(tmp_path, "two")
    assert_identical(found, table(one, "one"))
    shown = re.findall(r"AUROC loss (\d\.\d{4})", out)
    assert shown[-1] == f"{roc_auc_score(found.member, found.signals['loss']):.4f}"
    assert len(set(shown)) > 1  # it moved while it ran
