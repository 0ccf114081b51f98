"""The stacked attack: where it is made, what it asks, and what it gains."""

import numpy as np
import pytest
from tables import told

from lit_clid.judging.discriminant import Discriminant
from lit_clid.judging.evidence import Estimate
from lit_clid.judging.judge import judge
from lit_clid.judging.report.sections.verdict import verdict
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.trees import BoostedTrees
from lit_clid.judging.trials import STACKED, trials
from lit_clid.scores import Scores

SPECS = {
    "loss": {"columns": ["l"], "rule": "first", "queries": 3, "evaluated": 3},
    "pia": {"columns": ["p"], "rule": "first", "queries": 2, "evaluated": 2},
    "clid_th": {"columns": ["d", "l"], "rule": "robust_mix", "queries": 6, "evaluated": 3},
}


def many(seed: int, n: int = 200, shift: float = 0.8) -> Scores:
    """Three signals that tell equally much, with errors of their own."""
    dice = np.random.default_rng(seed)
    member = np.arange(2 * n) < n
    ids = tuple(f"{seed}-{k}" for k in range(2 * n))
    signals = {name: dice.normal(size=2 * n) + shift * member for name in "lpd"}
    return Scores(ids, member, signals, told(attacks=SPECS))


def test_it_weighs_every_column_once_and_asks_what_all_ask() -> None:
    found = trials(many(0), many(1), None, None)[STACKED]
    assert found.columns.shape == (400, 3) and found.rule == "discriminant"
    assert found.queries == 8


def test_independent_signals_add_up() -> None:
    """Three gaps of 0.8 σ make one of 0.8·√3 σ: AUROC Φ(0.8·√(3/2)) = 0.836."""
    found = judge(many(0), many(1)).grades[STACKED]
    assert isinstance(found.auroc, Estimate)
    assert found.auroc.low < 0.836 < found.auroc.high
    assert found.shadow_auroc == pytest.approx(0.836, abs=0.05)


def test_its_title_is_set_apart_in_a_verdict() -> None:
    said = verdict(judge(many(0), many(1), headline=STACKED))
    assert "hold-outs, “All 3 attacks stacked” (named beforehand) names the member" in said
    assert "hold-outs, pia (named" in verdict(judge(many(0), many(1), headline="pia"))


def test_without_a_shadow_or_with_one_attack_there_is_none() -> None:
    assert STACKED not in trials(many(0), None, None, None)
    about = told(attacks={"loss": SPECS["loss"]})
    alone: list[Scores] = []
    for each in (many(0), many(1)):
        alone.append(Scores(each.ids, each.member, {"l": each.signals["l"]}, about))
    assert STACKED not in trials(*alone, None, None)


def test_a_handful_of_records_is_no_shadow_to_stack_on() -> None:
    assert STACKED not in trials(many(0), many(1, n=9), None, None)
    judge(many(0), many(1, n=2))


def test_labels_of_the_target_have_no_part_in_it() -> None:
    target, shadow = many(0), many(1)
    turned = Scores(target.ids, ~target.member, target.signals, target.about)
    one, other = (judge(each, shadow).grades[STACKED].verdict for each in (target, turned))
    np.testing.assert_array_equal(one.score, other.score)


def test_more_columns_than_records_do_no_harm() -> None:
    dice = np.random.default_rng(0)
    member = np.arange(60) < 30
    columns = dice.normal(size=(60, 200))
    columns[:, 0] += 3 * member
    fresh = dice.normal(size=(400, 200))
    truth = np.arange(400) < 200
    fresh[:, 0] += 3 * truth
    score = Discriminant().fit(columns, member).score(fresh)
    assert auroc(curve(score, truth)) > 0.7


def test_bags_are_the_mean_of_their_fits() -> None:
    dice = np.random.default_rng(0)
    member = np.arange(200) < 100
    columns = dice.normal(size=(200, 3)) + member[:, None]
    bag = BoostedTrees(bags=3).fit(columns, member)
    each = [model.inplace_predict(columns, predict_type="margin") for model in bag.models]
    assert not np.array_equal(each[0], each[1])
    np.testing.assert_allclose(bag.score(columns), np.mean(each, axis=0), atol=1e-6)
    assert "3 times, averaged" in bag.describe()
