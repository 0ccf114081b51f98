"""Tables with suspects: what is answered about them, and what is not done with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from worlds import world

from lit_clid.errors import UserError
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.suspects import in_words
from lit_clid.judging.report.words import terminal
from lit_clid.judging.tables import load_tables
from lit_clid.scores import ALONE, Scores

ATTACKS = ("clid", "loss")

pytestmark = pytest.mark.usefixtures("few_permutations")


def table(
    file: Path, share: float = 0.5, members: int = 0, suspects: int = 60, holdouts: int = 200
) -> Path:
    """Suspects of whom a share are members, beside hold-outs and perhaps members; two signals."""
    ours, theirs, _ = world(len(file.name), suspects, holdouts, share, 2.5)
    known = np.random.default_rng(9).normal(2.5, 1, members)
    score = np.concatenate([ours, theirs, known])
    told = ["", "0", "1"]
    kinds = [told[0]] * suspects + [told[1]] * holdouts + [told[2]] * members
    rows = {"id": [f"r{k:04d}" for k in range(len(score))], "member": kinds, "clid": score}
    rows["loss"] = np.random.default_rng(1).normal(size=len(score))
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv(file, index=False)
    return file


def test_a_claim_is_answered_without_any_member(tmp_path: Path) -> None:
    target, others = load_tables(str(table(tmp_path / "t.csv")), None)
    assert target.claim and int(target.member.sum()) == 60
    found = judge(target, **others)
    assert (found.headline, found.chosen, found.selection) == ("clid", "default", None)
    answer = found.answer
    assert answer is not None
    assert answer.whole.p <= 0.001
    assert 0.1 < answer.share.low <= 0.5
    named = {name for name, *_, told in answer.rows if told}
    wrong = {f"r{k:04d}" for k in range(30, 60)}
    assert len(named) > 15 and len(named & wrong) <= 0.3 * len(named)
    assert answer.sequential.stopped is not None and answer.sequential.stopped < 30
    assert answer.combined is not None and answer.combined.p < 0.05
    assert found.counts == {"nonmembers": 200, "suspects": 60}
    assert "clearly shows" in in_words(answer)


def test_suspects_beside_known_members_leave_the_benchmark_as_it_is(tmp_path: Path) -> None:
    mixed, others = load_tables(str(table(tmp_path / "t.csv", members=80)), None)
    assert not mixed.claim and mixed.suspects is not None
    found = judge(mixed, **others)
    alone = judge(replace(mixed, suspects=None))
    assert alone.answer is None
    for name in ATTACKS:
        assert found.grades[name].auroc == alone.grades[name].auroc
    claim = judge(load_tables(str(table(tmp_path / "t.csv")), None)[0])
    assert found.answer is not None and claim.answer is not None
    assert found.answer.rows == claim.answer.rows
    assert found.counts == {"members": 80, "nonmembers": 200, "suspects": 60}


def test_a_shadow_chooses_the_attack_and_gives_an_interval(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    member = np.arange(300) < 150
    signals = {"clid": dice.normal(size=300) + 2.5 * member, "loss": dice.normal(size=300)}
    shadow = Scores(tuple(f"s{k}" for k in range(300)), member, signals)
    target, _ = load_tables(str(table(tmp_path / "t.csv")), None)
    found = judge(target, shadow)
    assert (found.headline, found.chosen) == ("clid", "shadow")
    assert found.answer is not None
    assert found.answer.share.how == "threshold"
    between = found.answer.share.between.as_json()
    assert between["low"] < 0.5 < between["high"]  # type: ignore[operator]
    claim = replace(target, signals=target.signals)
    with pytest.raises(UserError, match="a shadow calibrates by records whose membership is known"):
        judge(shadow, claim)


def test_the_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    for members in (0, 7):
        scores = Scores.load(table(tmp_path / "t.csv", members=members))
        scores.save(tmp_path / "t.parquet")
        back = Scores.load(tmp_path / "t.parquet")
        assert back.ids == scores.ids
        assert back.claim is scores.claim is (members == 0)
        np.testing.assert_array_equal(back.member, scores.member)
        if members:
            assert back.suspects is not None and scores.suspects is not None
            assert back.suspects.ids == scores.suspects.ids
            for name in ATTACKS:
                np.testing.assert_array_equal(
                    back.suspects.signals[name], scores.suspects.signals[name]
                )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows.assign(member=""), "holds suspects only"),
        (lambda rows: rows[(rows.member == "0") | (rows.id == "r0000")], "1 suspects are too few"),
        (lambda rows: rows[(rows.member == "") | (rows.id == "r0060")], "1 hold-outs are too few"),
        (lambda rows: rows.assign(member="perhaps"), "must hold true/false or 1/0"),
        (lambda rows: pd.concat([rows, rows[rows.member == ""]]), "ids must be unique"),
        (
            lambda rows: rows.rename(columns={"clid": "a", "loss": "b"}),
            "name the attack that speaks",
        ),
    ],
)
def test_what_cannot_be_answered_is_one_line(tmp_path: Path, edit: object, message: str) -> None:
    rows = pd.read_csv(table(tmp_path / "t.csv"), dtype={"member": str}, keep_default_na=False)
    edit(rows).to_csv(tmp_path / "t.csv", index=False)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        judge(load_tables(str(tmp_path / "t.csv"), None)[0])


def test_one_record_without_a_label_is_set_aside(tmp_path: Path) -> None:
    rows = pd.read_csv(table(tmp_path / "t.csv", members=80), dtype={"member": str})
    rows = rows[rows.member.notna() | (rows.id == "r0003")]
    rows.to_csv(tmp_path / "t.csv", index=False)
    scores = Scores.load(tmp_path / "t.csv")
    assert scores.suspects is None
    assert scores.about.skipped == (f"r0003: {ALONE}",)
    assert judge(scores).answer is None


def test_names_are_told_even_where_the_set_shows_nothing(tmp_path: Path) -> None:
    rows = pd.read_csv(table(tmp_path / "t.csv", share=0.0, holdouts=900), dtype={"member": str})
    rows.loc[rows.id == "r0000", "clid"] = 99.0
    rows.to_csv(tmp_path / "t.csv", index=False)
    answer = judge(load_tables(str(tmp_path / "t.csv"), None)[0]).answer
    assert answer is not None and answer.whole.p > 0.05
    said = in_words(answer)
    assert "does not show" in said and "1 of them are named" in said


def test_the_report_speaks_of_suspects(tmp_path: Path) -> None:
    found = judge(load_tables(str(table(tmp_path / "t.csv")), None)[0])
    report = Report("claim <b>", found)
    (tmp_path / "out").mkdir()
    page = write_report(report, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "60 suspects and 200 hold-outs" in text and "claim <b>" not in text
    assert "For comparison with published tables only" not in text
    assert "trained on some of the 60 suspects" in terminal(report)
    lines = (page.parent / "suspects.csv").read_text().splitlines()
    assert lines[0] == "id,score,p,q,named" and len(lines) == 61
    nothing = judge(load_tables(str(table(tmp_path / "null.csv", share=0.0)), None)[0])
    assert "does not show" in terminal(Report("n", nothing))
    write_report(Report("n", replace(nothing, answer=None)), page.parent)
    assert not (page.parent / "suspects.csv").exists()
