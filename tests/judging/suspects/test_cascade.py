"""A list in two stages: valid p-values, a rate that is kept, and what it gains."""

import numpy as np
import pytest
from tables import told
from worlds import within, world

from lit_clid.errors import UserError
from lit_clid.judging.suspects.cascade import in_question, two_stages
from lit_clid.judging.suspects.listing import conformal_p, list_suspects
from lit_clid.scores import Scores


def staged(
    seed: int, share: float, keep: float = 0.25
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Scores of 100 suspects and 300 hold-outs after two stages, who is a member, how many asked.

    The second stage tells members twice as far as the first.
    """
    ours, theirs, member = world(seed, 100, 300, share)
    suspects, holdouts = [f"s{k:03d}" for k in range(100)], [f"h{k:03d}" for k in range(300)]
    cheap = dict(zip([*suspects, *holdouts], [*ours, *theirs], strict=True))
    chosen = in_question(cheap, keep)
    dice = np.random.default_rng(seed + 10**7)
    better = dice.normal(size=400) + 2.4 * np.append(member, np.zeros(300))
    costly = dict(zip([*suspects, *holdouts], better.tolist(), strict=True))
    kinds = [None if name[0] == "s" else False for name in chosen]
    about = told(attacks={"clir": {"columns": ["clir"], "rule": "first", "queries": 15}})
    values = np.array([costly[name] for name in chosen])
    table = Scores.of_told(chosen, kinds, {"clir": values}, about, "cascade")
    first, second, stage = two_stages(suspects, holdouts, table)
    assert (stage.asked, stage.of, stage.queries) == (len(chosen), 400, 15)
    return first, second, member, len(chosen)


def test_the_highest_of_both_kinds_together_are_in_question() -> None:
    assert in_question({"a": 1.0, "b": 3.0, "c": 2.0, "d": 0.0}, 0.5) == ["b", "c"]
    assert len(in_question({"a": 1.0, "b": 1.0, "c": 1.0}, 0.1)) == 1


def test_equal_scores_are_taken_whatever_the_kind_is_called() -> None:
    """Half of the ties at the cut are suspects, although their names come first."""
    tied = {f"a{k:03d}": 0.0 for k in range(200)} | {f"b{k:03d}": 0.0 for k in range(200)}
    chosen = in_question(tied, 0.5)
    assert 80 <= sum(name[0] == "a" for name in chosen) <= 120


@pytest.mark.parametrize("level", [0.02, 0.05])
def test_p_values_of_hold_outs_that_pose_are_small_as_seldom_as_they_say(level: float) -> None:
    rates = []
    for seed in range(200):
        ours, theirs, _, _ = staged(seed, 0.0)
        rates.append(float(np.mean(conformal_p(ours, theirs) <= level)))
    assert within(float(np.mean(rates)), level, 200 * 100)


def test_the_list_keeps_its_rate_and_names_more() -> None:
    wrong, named, alone = [], [], []
    for seed in range(150):
        ours, theirs, member, asked = staged(seed, 0.5)
        assert asked == 100
        found = list_suspects(ours, theirs, 0.1).named
        wrong.append(float(np.mean(~member[list(found)])) if found else 0.0)
        named.append(len(found))
        first, others, _ = world(seed, 100, 300, 0.5)
        alone.append(len(list_suspects(first, others, 0.1).named))
    assert np.mean(wrong) <= 0.1 + 0.02
    assert np.mean(named) > 2 * np.mean(alone)


def test_a_table_of_other_records_is_refused() -> None:
    about = told(attacks={"clir": {"columns": ["clir"], "rule": "first"}})
    table = Scores.of_told(["x", "y"], [None, False], {"clir": np.arange(2.0)}, about, "cascade")
    with pytest.raises(UserError, match="not of the records in question"):
        two_stages(["x"], ["z"], table)
