"""The attacks' figures as CSV and as a table of LaTeX are those of the report."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report.papers import (
    COLUMN,
    PAGE,
    records_frame,
    results_csv,
    results_md,
    results_tex,
    write_pdfs,
)
from lit_clid.scores import Scores


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    dice = np.random.default_rng(0)
    member = np.arange(80) % 2 == 0
    signals = {name: dice.normal(size=80) + shift * member for name, shift in SHIFTS.items()}
    return judge(Scores([f"r{k}" for k in range(80)], member, signals))


SHIFTS = {"clid_th_null": 1.0, "loss": 0.2, "odd_%&name": 0.0}


@pytest.mark.parametrize("claim", [True, False])
def test_signals_called_like_what_is_said_of_suspects_stand_apart(claim: bool) -> None:
    dice, count = np.random.default_rng(0), 60
    told = [None if k % 2 else claim and False for k in range(count)]
    if not claim:
        told = [(True, False, None)[k % 3] for k in range(count)]
    signals = {name: dice.normal(size=count) for name in ("p", "named", "loss")}
    ids = [f"r{k:02d}" for k in range(count)]
    frame = records_frame(judge(Scores.of_told(ids, told, signals, About(), "table")))
    assert {"p", "q", "named", "signal p", "signal named", "loss"} <= set(frame.columns)
    rows = frame.set_index("id")
    suspects = [name for name, kind in zip(ids, told, strict=True) if kind is None]
    assert rows.loc[suspects, "p"].between(0, 1).all()
    assert rows["p"].notna().sum() == len(suspects)
    assert list(rows.loc[ids, "signal p"]) == list(signals["p"])


def test_every_figure_of_the_report_is_in_the_csv(judgement: Judgement) -> None:
    rows = list(csv.DictReader(io.StringIO(results_csv(judgement))))
    assert [row["attack"] for row in rows] == [name for name, _ in judgement.ranked]
    for row in rows:
        told = judgement.grades[row["attack"]].as_json()
        assert float(row["auroc"]) == told["auroc"]["value"]
        assert float(row["auroc_low"]) == told["auroc"]["low"]
        assert float(row["tpr_at_fpr_0.1_high"]) == told["tpr_at_fpr"]["0.1"]["high"]
        assert row["asr"] == row["asr_low"] == ""  # no shadow: unresolved
        assert row["tpr_at_fpr_0.001"] == ""  # of forty hold-outs


def test_backward_passes_are_told(judgement: Judgement) -> None:
    first, *_ = judgement.grades
    grades = dict(judgement.grades)
    grades[first] = replace(grades[first], queries=10, backward=1)
    told = replace(judgement, grades=grades)
    assert "10 + 1∇" in results_md(told) and r"10 + 1$\nabla$" in results_tex(told)


def test_a_column_is_as_wide_as_it_says(judgement: Judgement, tmp_path: Path) -> None:
    write_pdfs(judgement, tmp_path)
    width = {}
    for file in tmp_path.glob("*.pdf"):
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", file.read_bytes())
        assert box is not None
        width[file.stem] = float(box[1]) / 72
    assert width == {"roc": pytest.approx(COLUMN), "histograms": pytest.approx(PAGE * 3 / 4)}


def test_the_table_is_latex_without_what_nobody_has(judgement: Judgement) -> None:
    text = results_tex(judgement)
    head, *lines = (line for line in text.splitlines() if line.endswith("\\\\"))
    assert head.split(" & ")[0] == "attack" and "ASR" not in head and "queries" not in head
    assert "0.1\\,\\%FPR" not in head
    assert len(lines) == 3 and all(line.count(" & ") == head.count(" & ") for line in lines)
    assert "clid\\_th\\_null" in text and "odd\\_\\%\\&name" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert f"\\{rule}" in text
    value = judgement.grades["loss"].auroc
    assert f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" in text


def test_queries_are_told_where_they_are_known(judgement: Judgement) -> None:
    grade = judgement.grades["loss"]
    known = replace(judgement, grades={"loss": replace(grade, queries=3)})
    assert "queries" in results_tex(known)
    assert next(csv.DictReader(io.StringIO(results_csv(known))))["queries"] == "3"
