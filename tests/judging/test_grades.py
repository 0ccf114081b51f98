"""Grades: what a number of records can show, and the threshold carried over."""

import numpy as np
import pytest
from tables import normal_scores

from lit_clid.judging.calibration import Verdict
from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.grades import CAPS, Grade, grade
from lit_clid.judging.trials import Trial


def graded(
    members: int, holdouts: int, threshold: float | None = None, shift: float = 1.0
) -> tuple[Grade, np.ndarray, np.ndarray]:
    score, member = normal_scores(members, holdouts, shift, 0)
    trial = Trial("Toy", "first", score[:, None], None, 1, 0)
    return grade(trial, Verdict(score, threshold, "the signal itself"), member), score, member


@pytest.mark.parametrize(
    ("records", "shown"),
    [(9, 0), (10, 1), (99, 1), (100, 2), (999, 2), (1000, 3)],
)
def test_a_rate_needs_a_record_below_its_cap(records: int, shown: int) -> None:
    found, _, _ = graded(50, records)
    resolved = [cap for cap in CAPS if isinstance(found.tpr_at_fpr[cap], Estimate)]
    assert resolved == list(CAPS)[:shown]
    mirrored, _, _ = graded(records, 50)
    assert [c for c in CAPS if isinstance(mirrored.tnr_at_fnr[c], Estimate)] == resolved


def test_the_carried_accuracy_is_that_of_the_calls() -> None:
    found, score, member = graded(80, 120, threshold=0.4)
    called = score >= 0.4
    by_hand = (called[member].mean() + (~called[~member]).mean()) / 2
    assert isinstance(found.asr, Estimate)
    assert found.asr.value == pytest.approx(by_hand, abs=1e-12)
    assert found.asr.value <= found.oracle_asr.value


@pytest.mark.parametrize("threshold", [-99.0, 99.0])
def test_calling_all_alike_is_guessing(threshold: float) -> None:
    found, _, _ = graded(80, 120, threshold)
    assert isinstance(found.asr, Estimate) and found.asr.value == 0.5


def test_without_a_threshold_there_is_no_accuracy() -> None:
    found, _, _ = graded(20, 20)
    assert found.asr == Unresolved("no threshold without a shadow", shown="–")
    assert found.as_json()["asr"]["note"] == "no threshold without a shadow"
