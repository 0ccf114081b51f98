"""Captions swapped between records: what is of the pair, and what is not."""

import numpy as np
import pytest
from tables import normal_scores, told

from lit_clid.judging.controls.control import NOTICE, QUIET
from lit_clid.judging.controls.pairing import pairing
from lit_clid.judging.trials import trials
from lit_clid.scores import Scores

SPECS = {"clir": {"columns": ["clir"], "rule": "first"}}


def table(shift: float, seed: int, prefix: str = "r") -> Scores:
    score, member = normal_scores(60, 60, shift, seed)
    names = tuple(f"{prefix}{k:03d}" for k in range(120))
    return Scores(names, member, {"clir": score}, told(attacks=SPECS))


@pytest.mark.parametrize(("left", "state"), [(0.0, QUIET), (1.5, NOTICE)])
def test_what_is_left_with_other_captions_is_told(left: float, state: str) -> None:
    target = table(2.0, 0)
    (found,) = pairing(table(left, 1), target, trials(target, None, None, None)["clir"], "clir")
    assert found.state == state and found.figures["auroc"]["value"] > 0.85
    words = "is of the pair of image" if state == QUIET else "is not shown"
    assert words in found.words
    lost = found.figures["difference"]
    assert lost["value"] == pytest.approx(
        found.figures["auroc"]["value"] - found.figures["auroc_swapped"]["value"]
    )


def test_records_that_the_target_was_not_asked_are_not_compared() -> None:
    target = table(2.0, 0)
    trial = trials(target, None, None, None)["clir"]
    assert pairing(table(0.0, 1, prefix="x"), target, trial, "clir") == []


def test_a_shadow_s_rule_scores_both() -> None:
    target, shadow = table(2.0, 0), table(2.0, 5)
    trial = trials(target, shadow, None, None)["clir"]
    (found,) = pairing(table(0.0, 1), target, trial, "clir")
    assert np.isfinite(found.figures["auroc_swapped"]["value"])
