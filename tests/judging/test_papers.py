"""The attacks' figures as CSV and as a table of LaTeX are those of the report."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report.papers import results_csv, results_tex
from lit_clid.scores import Scores


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    dice = np.random.default_rng(0)
    member = np.arange(80) % 2 == 0
    signals = {name: dice.normal(size=80) + shift * member for name, shift in SHIFTS.items()}
    return judge(Scores([f"r{k}" for k in range(80)], member, signals))


SHIFTS = {"clid_th_null": 1.0, "loss": 0.2, "odd_%&name": 0.0}


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
