"""From which step on: the rule of the first step, its error, and what is said and drawn."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import normal_scores
from worlds import within

from lit_clid.judging.evidence import Estimate
from lit_clid.judging.gauge import (
    ALPHA,
    Reading,
    as_csv,
    bar,
    bars,
    first_step,
    reading,
    sentence,
    table,
)
from lit_clid.judging.plots import gauge_figure
from lit_clid.judging.roc import auroc, curve

NONE = Estimate(0.0, 0.0, 0.0)


def look(step: int, value: float, records: int = 256) -> Reading:
    found = Estimate(value, value - 0.05, value + 0.05)
    return Reading(step, "trained", records, records, found, NONE, NONE)


def training(
    dice: np.random.Generator, looks: int, records: int, leaks_from: int, shift: float, alike: float
) -> list[Reading]:
    """Scores of one training: what is hard about a record stays, a leak comes at some look."""
    member = np.arange(2 * records) < records
    own = dice.normal(size=2 * records)
    found = []
    for k in range(looks):
        fresh = dice.normal(size=2 * records)
        score = alike * own + (1 - alike**2) ** 0.5 * fresh + shift * member * (k >= leaks_from)
        found.append(look(k, float(auroc(curve(score, member))), records))
    return found


@pytest.mark.parametrize(("records", "alike"), [(64, 0.0), (64, 0.9), (5, 0.3)])
def test_a_training_that_leaks_nothing_is_seldom_accused(records: int, alike: float) -> None:
    """Whoever watches sees at most α of them accused at any of twelve looks; without the correction
    it is more.
    """
    dice, accused, plain = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        found = training(dice, 12, records, 99, 0.0, alike)
        accused += any(first_step(found[:k]) is not None for k in range(1, 13))
        plain += any(each.auroc.value > 0.5 + 1.645 * each.spread for each in found)
    assert within(accused / 1000, ALPHA, 1000)
    assert plain / 1000 > 2 * ALPHA


def test_a_leak_is_found_and_not_before_it_is_there() -> None:
    """AUROC 0.66 (a shift of 0.6) from look 6 on, with 128 records of a kind."""
    dice, found = np.random.default_rng(2), []
    for _ in range(400):
        found.append(first_step(training(dice, 12, 128, 6, 0.6, 0.7)))
    assert sum(step is not None for step in found) / 400 > 0.95
    assert within(sum(step is not None and step < 6 for step in found) / 400, ALPHA, 400)
    assert float(np.median([step for step in found if step is not None])) <= 7


def test_the_levels_sum_to_alpha_however_many_looks_there_are() -> None:
    assert sum(ALPHA / (k * (k + 1)) for k in range(1, 10**5)) == pytest.approx(ALPHA, rel=1e-4)


def test_the_bar_is_what_exchangeable_scores_exceed_at_its_level() -> None:
    """The first look's level is 0.025: of 4000 permutations 100 ± 3·√(4000·0.025·0.975)."""
    dice, member = np.random.default_rng(3), np.arange(80) < 40
    height = bar(1, look(0, 0.5, 40).spread)
    above = 0
    for _ in range(4000):
        above += float(auroc(curve(dice.normal(size=80), member))) > height
    assert abs(above - 100) < 30


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), st.floats(0.0, 1.0))
def test_no_later_look_moves_an_earlier_bar_or_finds_an_earlier_step(
    values: list[float], more: float
) -> None:
    found = [look(k, value) for k, value in enumerate(values)]
    longer = [*found, look(len(found), more)]
    assert bars(longer)[:-1] == bars(found)
    before, after = first_step(found), first_step(longer)
    assert after in ({None, len(found)} if before is None else {None, before})
    assert bars(found) == sorted(bars(found))


def test_it_must_stay() -> None:
    up, down = look(1, 0.7), look(2, 0.5)
    assert first_step([look(0, 0.5), up]) == 1
    assert first_step([look(0, 0.5), up, down]) is None
    assert first_step([look(0, 0.5), up, down, look(3, 0.7)]) == 3
    # 0.56 is below the third bar but above the plain one: it takes nothing back
    assert first_step([look(0, 0.5), up, look(2, 0.56)]) == 1


def test_a_reading_is_what_the_records_say() -> None:
    score, member = normal_scores(60, 50, 1.0, 0)
    loss = np.where(member, 0.1, 0.3) + 0.01 * score
    found = reading(7, score, loss, member, "averaged")
    assert (found.step, found.members, found.holdouts, found.weights) == (7, 60, 50, "averaged")
    assert found.auroc.value == float(auroc(curve(score, member)))
    assert found.auroc.low < found.auroc.value < found.auroc.high
    assert found.member_loss.value == pytest.approx(loss[member].mean())
    assert found.heldout_loss.low < loss[~member].mean() < found.heldout_loss.high
    assert Reading.of_flat(found.flat) == found
    naive = ((60 + 50 + 1) / (12 * 60 * 50)) ** 0.5
    assert found.spread == pytest.approx(naive)


def test_what_is_said_and_written() -> None:
    quiet, loud = [look(0, 0.5), look(10, 0.52)], [look(0, 0.5), look(10, 0.7), look(20, 0.8)]
    assert sentence([]) == "Nothing was measured."
    assert sentence(quiet).startswith("None of the 2 measurements shows that it memorises (at step")
    assert sentence(loud).startswith("It memorises from step 10 on: AUROC 0.700 [0.650, 0.750], ")
    known = sentence([look(0, 0.8)])
    assert "already at step 0, before this training" in known and "the base knew" in known
    assert "it began by then" in sentence([look(50, 0.8)])
    rows = list(csv.DictReader(io.StringIO(as_csv(loud))))
    assert [row["step"] for row in rows] == ["0", "10", "20"]
    assert float(rows[1]["auroc_bar"]) == bars(loud)[1]
    assert table(loud).splitlines()[0].split("  ")[0] == "step"
    assert as_csv([]) == "step\n"


def test_the_figure() -> None:
    loud = [look(0, 0.5), look(10, 0.7), look(20, 0.8)]
    drawn = gauge_figure(loud, "CLiR <b>$x$")
    assert drawn.startswith("<svg") and "<b>" not in drawn
    assert drawn == gauge_figure(loud, "CLiR <b>$x$")
    assert gauge_figure(loud[:1], "loss").startswith("<svg")
