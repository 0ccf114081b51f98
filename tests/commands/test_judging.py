"""`judge` and `compare`: tables said again, and beside each other; no model is asked."""

import csv
from pathlib import Path

import numpy as np
import pytest
from runs import Run

import lit_clid
from lit_clid.files import read_json
from lit_clid.scores import Scores


def a_run(folder: Path, seed: int = 0, prefix: str = "r") -> Path:
    """A run's tables, of two attacks."""
    dice, member = np.random.default_rng(seed), np.arange(120) % 2 == 0
    ids = [f"{prefix}{k:03d}" for k in range(120)]
    signals = {"x_$1": dice.normal(size=120) + member, "plain": dice.normal(size=120)}
    Scores(ids, member, signals).save(folder / "scores" / "target.parquet")
    return folder


def test_a_run_is_judged_again_against_a_baseline(tmp_path: Path, run: Run) -> None:
    place = a_run(tmp_path / "one")
    before = sorted(path.name for path in place.rglob("*"))
    code, said = run("judge", str(place))
    assert code == 0 and "x_$1" in said and sorted(p.name for p in place.rglob("*")) == before
    code, said = run("judge", str(place), "baseline=plain", "headline=plain")
    assert code == 0 and "minus plain, on the same 120 records" in said
    with (place / "versus-plain.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["attack"] == "x_$1" and float(row["auroc_low"]) < float(row["auroc"])
    frame = lit_clid.judge(place / "scores").versus("plain")
    assert frame["auroc"][0] == pytest.approx(float(row["auroc"]))
    text = (place / "versus-plain.tex").read_text()
    assert r"x\_\$1 &" in text and r"TPR@10\%FPR" in text and r"\toprule" in text


def test_a_table_is_judged_as_audit_does(tmp_path: Path, run: Run) -> None:
    file = a_run(tmp_path / "one") / "scores" / "target.parquet"
    code, _ = run("judge", str(file), f"runs={tmp_path}", "name=own", "baseline=plain")
    assert code == 0
    assert (tmp_path / "own" / "report.html").is_file()
    assert (tmp_path / "own" / "versus-plain.csv").is_file()
    assert run("judge", str(file), f"runs={tmp_path}", "name=own")[0] == 0
    assert not list((tmp_path / "own").glob("versus-*"))  # of the judgement before


def test_tables_are_judged_into_runs_of_their_own_names(tmp_path: Path, run: Run) -> None:
    for name in ("first", "second"):
        file = a_run(tmp_path / name) / "scores" / "target.parquet"
        code, said = run(
            "judge", str(file.rename(tmp_path / f"{name}.parquet")), f"runs={tmp_path}"
        )
        assert code == 0, said
    inside = a_run(tmp_path / "whole") / "scores" / "target.parquet"
    assert run("judge", str(inside), f"runs={tmp_path}")[0] == 0
    assert (tmp_path / f"{inside.parent.parent.name}-target" / "report.json").is_file()
    found = [read_json(tmp_path / name / "report.json")["name"] for name in ("first", "second")]
    assert found == ["first", "second"]


def test_runs_are_compared(tmp_path: Path, run: Run) -> None:
    places = [str(a_run(tmp_path / name, seed)) for seed, name in enumerate(("one", "two"))]
    code, said = run("compare", *places, f"out={tmp_path / 'out'}")
    assert code == 0 and "AUROC minus that of one" in said and "Differences are paired" in said
    with (tmp_path / "out" / "compare.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["attack"]) for row in rows][::2] == [("one", "x_$1"), ("two", "x_$1")]
    assert r"x\_\$1" in (tmp_path / "out" / "compare.md").read_text()
    other = str(a_run(tmp_path / "three", 5, "s"))
    code, said = run("compare", *places, other)
    assert code == 0 and "Differences of two are paired with one" in said


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("judge",), "judge: name a run's folder or a table"),
        (("judge", "nowhere.parquet"), "nowhere.parquet"),
        (("judge", "RUN", "baseline=lost"), "baseline: 'lost' is none of the judged attacks"),
        (("compare", "RUN"), "compare: name two runs or more"),
        (("compare", "RUN", "RUN"), "names a run twice"),
        (("compare", "RUN", "OTHER"), "have no attack in common"),
    ],
)
def test_what_cannot_be_judged(
    words: tuple[str, ...], fault: str, tmp_path: Path, run: Run
) -> None:
    a_run(tmp_path / "RUN")
    table = Scores(["a", "b", "c", "d"], np.array([1, 1, 0, 0]), {"z": np.arange(4.0)})
    table.save(tmp_path / "OTHER" / "scores" / "target.parquet")
    named = {"RUN", "OTHER"}
    code, said = run(*(str(tmp_path / word) if word in named else word for word in words))
    assert code == 2 and fault in said and said.count("\n") == 1


def test_a_table_s_report_names_no_record_where_it_is_asked_not_to(
    tmp_path: Path, run: Run
) -> None:
    table = a_run(tmp_path / "one", prefix="patient-") / "scores" / "target.parquet"
    words = [f"scores={table}", f"runs={tmp_path}", "name=own", "report.ids=hashed"]
    assert run("audit", *words)[0] == 0
    for file in (tmp_path / "own").glob("*.*"):
        assert file.name == "ids.csv" or b"patient-" not in file.read_bytes(), file.name
    hashed = {"report": {"ids": "hashed"}, "runs": tmp_path, "name": "own"}
    found = lit_clid.audit(scores=table, **hashed)
    assert isinstance(found, lit_clid.Result)
    assert not [name for name in found.target.ids if name.startswith("patient-")]


def test_a_run_is_judged_again_as_it_was(tmp_path: Path, run: Run) -> None:
    place = a_run(tmp_path / "runs" / "one")
    words = [f"scores={place / 'scores'}", f"runs={place.parent}", "name=one", "headline=plain"]
    assert run("audit", *words)[0] == 0
    said = run("judge", str(place))[1]
    assert "plain" in said.split("The ", 1)[-1] and "named beforehand" in said


def test_a_saved_table_s_report_is_verified(tmp_path: Path, run: Run) -> None:
    table = a_run(tmp_path / "one") / "scores" / "target.parquet"
    named = table.rename(tmp_path / "signals.parquet")
    lit_clid.judge(named).save(tmp_path / "saved")
    assert "signals.parquet" in (tmp_path / "saved" / "card.md").read_text()
    assert run("verify", str(tmp_path / "saved"))[0] == 0
