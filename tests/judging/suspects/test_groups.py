"""Groups of suspects: Holm's adjustment, and who is compared with whom."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from worlds import within

from lit_clid.judging.judge import judge
from lit_clid.judging.suspects.groups import holm, judge_groups
from lit_clid.judging.tables import load_tables
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")


def test_holm_is_its_definition() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def scores(dice: np.random.Generator, name: str, count: int, shift: float = 0) -> dict[str, float]:
    return {f"{name}{k}": value for k, value in enumerate(dice.normal(shift, 1, count).tolist())}


def test_no_group_is_called_wrongly_more_often_than_said() -> None:
    """Ten groups without a member beside the same hold-outs: any is called in at most 5 %."""
    called = 0
    for seed in range(200):
        dice = np.random.default_rng(seed)
        suspects, groups = dict[str, float](), dict[str, str]()
        for group in "abcdefghij":
            own = scores(dice, group, 8)
            suspects |= own
            groups |= dict.fromkeys(own, group)
        found = judge_groups(suspects, scores(dice, "holdout", 80), groups)
        called += any((each.adjusted or 1) <= 0.05 for each in found)
    assert within(called / 200, 0.05, 200)


def test_the_group_that_was_trained_on_is_found() -> None:
    dice = np.random.default_rng(0)
    ours, theirs = scores(dice, "a", 20, 1.5), scores(dice, "b", 20)
    groups = dict.fromkeys(ours, "A") | dict.fromkeys(theirs, "B")
    found = judge_groups(ours | theirs, scores(dice, "h", 200), groups)
    assert [each.name for each in found] == ["A", "B"]
    first, second = found
    assert first.adjusted == pytest.approx(2 * (first.p or 0)) and (first.adjusted or 1) <= 0.01
    assert (second.adjusted or 0) > 0.05 and first.holdouts == 200


def test_hold_outs_with_groups_are_compared_within_them() -> None:
    """A domain that scores higher as a whole is no member of anything."""
    dice = np.random.default_rng(1)
    suspects = scores(dice, "a", 40, 3) | scores(dice, "b", 40)
    holdouts = scores(dice, "ha", 100, 3) | scores(dice, "hb", 100)
    groups = {name: "A" if "a" in name else "B" for name in (*suspects, *holdouts)}
    found = judge_groups(suspects, holdouts, groups)
    assert all((each.p or 0) > 0.05 and each.holdouts == 100 for each in found)


def test_a_group_of_one_is_unresolved_and_costs_the_others_nothing() -> None:
    dice = np.random.default_rng(0)
    suspects = scores(dice, "a", 20, 2) | {"lonely": 1.0}
    groups = dict.fromkeys(suspects, "A") | {"lonely": "L"}
    first, last = judge_groups(suspects, scores(dice, "h", 50), groups)
    assert first.adjusted == first.p
    assert (last.p, last.note) == (None, "unresolved: 1 suspect of this group")


def test_the_column_group_of_a_table_says_whose_each_record_is(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    rows = [(f"a{k}", "", "A", v) for k, v in enumerate(dice.normal(2, 1, 20))]
    rows += [(f"b{k}", "", "B", v) for k, v in enumerate(dice.normal(0, 1, 20))]
    rows += [(f"h{k}", "0", "", v) for k, v in enumerate(dice.normal(0, 1, 60))]
    frame = pd.DataFrame(rows, columns=["id", "member", "group", "clid"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    target, others = load_tables(str(tmp_path / "t.csv"), None)
    assert list(target.signals) == ["clid"] and target.groups["a3"] == "A"
    answer = judge(target, **others).answer
    assert answer is not None
    told = {each["group"]: each["p_adjusted"] for each in answer.as_json()["groups"]}
    assert told["A"] <= 0.05 < told["B"]
    target.save(tmp_path / "kept.parquet")
    assert Scores.load(tmp_path / "kept.parquet").groups == target.groups


def test_many_groups_do_not_hide_the_one_that_is_there() -> None:
    """With as few permutations as for one group, the smallest p of 300 would never be small."""
    dice = np.random.default_rng(0)
    suspects, groups = dict[str, float](), dict[str, str]()
    for k in range(300):
        own = scores(dice, f"g{k}-", 4, 6.0 if k == 7 else 0.0)
        suspects |= own
        groups |= dict.fromkeys(own, f"G{k}")
    found = judge_groups(suspects, scores(dice, "h", 100), groups)
    assert found[0].name == "G7" and (found[0].adjusted or 1) <= 0.05
    assert all((each.adjusted or 0) > 0.05 for each in found[1:])
