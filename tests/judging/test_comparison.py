"""Defenses compared honestly: seeds averaged, records paired."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from grids import TITLES, grid_of, measured

from lit_clid.errors import UserError
from lit_clid.judging.comparison import compare, findings, terminal
from lit_clid.judging.comparison.strongest import front, front_shares
from lit_clid.judging.evidence import Unresolved
from lit_clid.judging.pooled import Pooled
from lit_clid.judging.roc import auroc, curve


def test_a_comparison_averages_seeds_and_pairs_records() -> None:
    models = [
        measured(d, s, shift, loss)
        for s in (0, 1, 2)
        for d, shift, loss in (("none", 1, 1), ("a", 0.5, 1.02))
    ]
    found = grid_of(*models)
    assert found.headline == "strong"
    none, a = found.defenses["none"], found.defenses["a"]
    by_hand = [
        float(auroc(curve(m.scores["strong"], m.member))) for m in models if m.defense == "none"
    ]
    assert none.attacks["strong"].auroc.runs == pytest.approx(tuple(by_hand))
    assert none.attacks["strong"].auroc.value == pytest.approx(np.mean(by_hand))
    change = a.attacks["strong"].change
    assert isinstance(change, Pooled) and change.over_records.high < 0
    alone, paired = none.attacks["strong"].auroc.over_records, change.over_records
    assert paired.high - paired.low < 0.7 * (alone.high - alone.low)  # the noise is shared
    assert isinstance(a.loss_change, Pooled)
    assert astuple(a.loss_change.over_records) == pytest.approx((0.02, 0.02, 0.02))
    assert none.attacks["strong"].change == Unresolved("the baseline itself", shown="–")
    assert found.pareto == ["none", "a"]
    said = " ".join(findings(found))
    assert "a helps: AUROC of strong -" in said and "2.0 % worse" in said


def test_a_defense_without_effect_is_not_called_one() -> None:
    found = grid_of(measured("none", 0, 1, 1), measured("same", 0, 1, 1), measured("bad", 0, 2, 2))
    assert "same makes no difference that shows" in " ".join(findings(found))
    assert "bad harms" in " ".join(findings(found))
    assert found.pareto == ["none", "same"]
    assert "bad" in terminal(found)


def test_cells_are_compared_over_the_seeds_that_both_have() -> None:
    found = grid_of(measured("none", 0, 1, 1), measured("a", 0, 0.5, 1), measured("a", 1, 0.5, 1))
    change = found.defenses["a"].attacks["strong"].change
    assert isinstance(change, Pooled) and len(change.runs) == 1
    assert isinstance(change.over_runs, Unresolved)
    assert len(found.defenses["a"].seeds) == 2
    lone = compare([measured("a", 0, 0.5, 1)], "none", TITLES, {"none-seed0": "out of memory"})
    assert lone is not None
    assert isinstance(lone.defenses["a"].attacks["strong"].change, Unresolved)
    assert "Not finished: none-seed0 (out of memory)." in findings(lone)
    assert compare([], "none", TITLES, {}) is None


def test_the_strongest_attack_is_chosen_on_other_records_where_there_are_any() -> None:
    """With nothing to find, the largest of two AUROCs is above one half; one chosen elsewhere is
    not.
    """
    own, elsewhere = [], []
    for k in range(60):
        runs = [measured("none", 2 * k + s, 0, 1) for s in (0, 1)]
        dice = np.random.default_rng(1000 + k)
        blind = []
        for run in runs:
            ids = tuple(f"{run.seed}-{name}" for name in run.ids)
            scores = {name: dice.normal(size=400) for name in run.scores}
            blind.append(replace(run, ids=ids, scores=scores))
        together = grid_of(*blind).defenses["none"].strongest
        assert together.chosen_on == "the other seeds"
        elsewhere.append(together.auroc.value)
        alone = grid_of(blind[0]).defenses["none"].strongest
        assert alone.chosen_on == "these very records"
        own.append(alone.auroc.value)
    assert grid_of(*runs).defenses["none"].strongest.chosen_on == "these very records"  # one deal
    # spread of one AUROC: √((2·200 + 1)/(12·200²)) = 0.0289; the larger of two is 0.56 of it above
    assert np.mean(elsewhere) == pytest.approx(0.5, abs=3 * 0.0289 / 120**0.5)
    assert np.mean(own) > 0.5 + 0.0289 * 0.3


def test_the_strongest_attack_is_chosen_on_the_shadow_where_there_is_one() -> None:
    model = replace(measured("none", 0, 1, 1), shadow={"weak": 0.8, "strong": 0.7})
    found = grid_of(model)
    assert found.defenses["none"].strongest.chosen_on == "the shadow"
    assert found.defenses["none"].strongest.name == found.headline == "weak"
    assert (found.chosen, grid_of(measured("none", 0, 1, 1)).chosen) == (
        "the shadow",
        "these very records",
    )


def test_a_headline_may_be_named() -> None:
    models = [measured("none", 0, 1, 1), measured("a", 0, 0.5, 1)]
    found = compare(models, "none", TITLES, {}, "weak")
    assert found is not None
    assert (found.headline, found.chosen) == ("weak", "named")
    assert "Weak, the attack named beforehand" in findings(found)[0]
    with pytest.raises(UserError, match="'gone' is none of the attacks compared: weak, strong"):
        compare(models, "none", TITLES, {}, "gone")


def test_the_front_s_shares_say_how_sure_it_is() -> None:
    models = [
        measured(d, s, shift, loss)
        for s in (0, 1)
        for d, shift, loss in (
            ("none", 1, 1),
            ("beaten", 1.5, 1.5),
            ("near", 0.98, 1.0001),
            ("private", 0.3, 1.2),
        )
    ]
    shares = grid_of(*models).pareto_share
    assert shares["beaten"] == 0
    assert shares["private"] == shares["none"] == 1
    assert 0.3 < shares["near"] <= 1


def test_shares_equal_the_front_of_each_replicate() -> None:
    dice = np.random.default_rng(0)
    names = ["a", "b", "c", "d"]
    x, y = ({name: dice.integers(0, 4, 50) / 4 for name in names} for _ in "xy")
    fronts = [front({name: (x[name][r], y[name][r]) for name in names}) for r in range(50)]
    by_hand = {name: np.mean([name in each for each in fronts]) for name in names}
    assert front_shares(x, y) == pytest.approx(by_hand)


def test_a_trajectory_joins_checkpoints_and_ends() -> None:
    path = [
        measured("none", s, shift, 1, step=step, final=step == 100)
        for s in (0, 1)
        for step, shift in ((10, 0.0), (50, 0.5), (100, 1.0))
    ]
    stopped = [measured("stopped", seed, 0.2, 1, step=step) for seed, step in ((0, 40), (1, 60))]
    points = grid_of(*path, *stopped).trajectories
    assert set(points) == {"none"}
    assert [p.steps_per_image for p in points["none"]] == [0.05, 0.25, 0.5]
    values = [p.attacks["strong"].auroc.value for p in points["none"]]
    assert values == sorted(values) and {p.seeds for p in points["none"]} == {2}
