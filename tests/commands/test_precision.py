"""`audit.precision=check`: what half precision does to an audit, before one is chosen."""

from pathlib import Path

import numpy as np
import pytest
from runs import SMALL, Run

from lit_clid.about import About
from lit_clid.asked import AttackSpec
from lit_clid.judging.precision import Kept, kept, sentence
from lit_clid.scores import Scores

FEWER = ("32", "bf16")
"""Precisions that a CPU is asked in."""


def table(**signals: np.ndarray) -> Scores:
    count = len(next(iter(signals.values())))
    specs = {name: AttackSpec(columns=(name,), rule="score") for name in signals}
    ids, member = tuple(f"r{k:03d}" for k in range(count)), np.arange(count) % 2 == 0
    return Scores(ids, member, signals, About(attacks=specs))


def test_noise_moves_ranks_and_areas_and_a_scale_moves_neither() -> None:
    dice = np.random.default_rng(0)
    plain = dice.normal(size=200)
    noisy = plain + 0.1 * dice.normal(size=200)
    whole = table(scaled=plain, noisy=plain, still=np.zeros(200))
    found = kept(whole, table(scaled=1 + 2 * plain, noisy=noisy, still=np.zeros(200)))
    assert found["scaled"] == Kept(1.0, 0.0) == found["still"]
    assert 0.98 < found["noisy"].ranks < 0.999 and not found["noisy"].fine
    said = sentence("bf16", found, 200)
    assert said.startswith("audit.precision=bf16 moves 1 of 3 attacks") and "noisy" in said
    del found["noisy"]
    assert "keeps every attack's ranks" in sentence("bf16", found, 200)


def test_some_records_are_asked_in_every_precision_and_nothing_else_is(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", "name=p", f"audit.target={pipeline_folder}", *SMALL]
    words += ["attacks=[loss,clid_th_null]", "audit.precision=check"]
    code, printed = run("audit", *words)
    assert code == 0, printed
    lines = [line.split() for line in printed.splitlines()]
    told = {line[0]: float(line[1]) for line in lines if line[:1] in (["loss"], ["clid_th_null"])}
    assert set(told) == {"loss", "clid_th_null"} and all(0.9 < rho <= 1 for rho in told.values())
    assert "audit.precision=bf16" in printed and "time: " in printed
    tables = [Scores.load(tmp_path / "p" / "precision" / f"{name}.parquet") for name in FEWER]
    assert [len(each.ids) for each in tables] == [24, 24]
    assert not np.array_equal(tables[0].signals["loss"], tables[1].signals["loss"])
    assert not (tmp_path / "p" / "report.json").exists()
    code, again = run("audit", *words)
    assert code == 0 and "time: " not in again
    assert [line for line in again.splitlines() if "audit.precision" in line] == [
        line for line in printed.splitlines() if "audit.precision" in line
    ]


@pytest.mark.parametrize("more", [["dry_run=true"], ["audit.target=x/*"]])
def test_what_knows_no_check_says_so(
    more: list[str], pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = [f"runs={tmp_path}", "name=p", f"audit.target={pipeline_folder}", *SMALL]
    code, printed = run("audit", *words, "audit.precision=check", *more)
    assert code == 2 and printed.count("error:") == 1
