"""Trials: which columns are an attack, and tables that cannot be one."""

from dataclasses import replace

import numpy as np
import pytest
from tables import clid_columns, scores_of, tables, told

from lit_clid.about import About
from lit_clid.errors import UserError
from lit_clid.judging.reference import difference, reference_weights
from lit_clid.judging.trials import trials

COLUMNS = ["clid_th_d1", "clid_th_d2", "clid_th_l"]


def test_an_attack_s_columns_stand_in_the_order_it_tells() -> None:
    attacks: dict[str, object] = {"mine": {"columns": COLUMNS[::-1], "rule": "robust_mix"}}
    target, shadow = (scores_of(*clid_columns(seed, 1.0, 20), attacks) for seed in (0, 1))
    (trial,) = trials(target, shadow, None, None).values()
    np.testing.assert_array_equal(trial.columns[:, 0], target.signals["clid_th_l"])
    assert trial.fit_on is not None
    np.testing.assert_array_equal(trial.fit_on[0][:, 0], shadow.signals["clid_th_l"])
    np.testing.assert_array_equal(trial.fit_on[1], shadow.member)
    assert (trial.title, trial.queries) == ("mine", None)


def test_a_reference_that_did_not_answer_the_shadow_s_records_is_left_out() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0, 20), tables(1, 1.0, 20)
    assert set(trials(target, shadow, reference, beside)) == {"loss", "loss_ref"}
    assert set(trials(target, shadow, reference, None)) == {"loss"}
    assert set(trials(target, None, reference, None)) == {"loss", "loss_ref"}


def test_a_difference_keeps_what_both_tables_have() -> None:
    target, reference = (replace(table, about=About()) for table in tables(0, 1.0, 20))
    more = replace(target, signals={**target.signals, "own": target.signals["loss"]})
    found = difference(more, reference, {"loss": 1.0})
    assert set(found.signals) == {"loss"}
    back = found.signals["loss"] + reference.signals["loss"]
    np.testing.assert_allclose(back, target.signals["loss"], atol=1e-12)


def test_the_reference_s_weight_is_the_slope_over_the_shadow_s_hold_outs() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0, 50), tables(1, 1.0, 50)
    out = ~shadow.member
    slope = np.polyfit(beside.signals["loss"][out], shadow.signals["loss"][out], 1)[0]
    found = trials(target, shadow, reference, beside)["loss_ref"]
    assert found.weights == {"loss": pytest.approx(slope, rel=1e-9)}
    score = target.signals["loss"] - slope * reference.signals["loss"]
    np.testing.assert_allclose(found.columns[:, 0], score, atol=1e-9)
    assert found.fit_on is not None
    fitted = shadow.signals["loss"] - slope * beside.signals["loss"]
    np.testing.assert_allclose(found.fit_on[0][:, 0], fitted, atol=1e-9)
    assert trials(target, None, reference, None)["loss_ref"].weights == {"loss": 1.0}


def test_neither_the_target_nor_the_shadow_s_members_move_the_weight() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0, 50), tables(1, 1.0, 50)
    weights = trials(target, shadow, reference, beside)["loss_ref"].weights
    swapped = [replace(table, member=~table.member) for table in (target, reference)]
    assert trials(swapped[0], shadow, swapped[1], beside)["loss_ref"].weights == weights
    louder = np.where(shadow.member, 9.0, 1.0) * shadow.signals["loss"]
    loud = replace(shadow, signals={"loss": louder})
    assert trials(target, loud, reference, beside)["loss_ref"].weights == weights


def test_the_difference_does_not_depend_on_the_reference_s_unit() -> None:
    (target, reference), (shadow, beside) = tables(0, 1.0, 50), tables(1, 1.0, 50)
    plain = trials(target, shadow, reference, beside)["loss_ref"].columns
    scaled = [
        replace(table, signals={"loss": 1e6 * table.signals["loss"]})
        for table in (reference, beside)
    ]
    found = trials(target, shadow, *scaled)["loss_ref"].columns
    np.testing.assert_allclose(found, plain, atol=1e-9)


def test_a_reference_that_answers_alike_is_not_subtracted() -> None:
    shadow, beside = tables(1, 1.0, 50)
    for value in (3.0, 0.1):  # the mean of many 0.1 is another number
        flat = replace(beside, signals={"loss": np.full(100, value)})
        assert reference_weights(shadow, flat) == {"loss": 0.0}


def test_a_reference_that_lacks_a_column_on_the_shadow_is_named() -> None:
    tables_of = [replace(table, about=About()) for seed in (0, 1) for table in tables(seed, 1.0, 9)]
    more = [replace(t, signals={**t.signals, "b": t.signals["loss"] ** 2}) for t in tables_of]
    with pytest.raises(UserError, match="no column b"):
        trials(more[0], more[2], more[1], tables_of[3])


def test_what_a_table_tells_but_does_not_hold_is_refused() -> None:
    target, _ = tables(0, 1.0, 20)
    lost = told(attacks={"loss": {"columns": ["gone"], "rule": "first"}})
    with pytest.raises(UserError, match="no column gone"):
        trials(replace(target, about=lost), None, None, None)
    unknown = told(attacks={"loss": {"columns": ["loss"], "rule": "guess"}})
    with pytest.raises(UserError, match=r"unknown rule guess .*known: first"):
        trials(replace(target, about=unknown), None, None, None)
