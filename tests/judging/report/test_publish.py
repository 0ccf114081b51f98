"""What is written over, and what is not."""

from pathlib import Path

import pytest
from tables import tables

from lit_clid.errors import UserError
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import refuse_foreign, write_report
from lit_clid.judging.report.section import Report


def test_another_table_does_not_take_a_run_s_report(tmp_path: Path) -> None:
    """A folder with a split is a run's; its own tables may be judged again."""
    run = tmp_path / "run"
    (run / "scores").mkdir(parents=True)
    refuse_foreign(run, str(tmp_path / "elsewhere.csv"))  # no run's folder yet
    (run / "split.csv").touch()
    refuse_foreign(run, str(run / "scores"))
    refuse_foreign(run, str(run / "scores" / ".." / "target.parquet"))
    for foreign in (tmp_path / "elsewhere.csv", run / ".." / "runner" / "target.parquet"):
        with pytest.raises(UserError, match="holds another audit's report"):
            refuse_foreign(run, str(foreign))


def test_the_same_judgement_is_the_same_files(tmp_path: Path) -> None:
    (target, reference), (shadow, beside) = tables(0, 1.5, 40), tables(1, 1.5, 40)
    report = Report("r", judge(target, shadow, reference, beside))
    page = write_report(report, tmp_path)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert page.name in first and {"report.json", "roc.svg", "histograms.svg"} <= set(first)
    write_report(report, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
