"""The large figures, the dots, and the outcome: what they show is what was graded."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import normal_scores, tables

from lit_clid.judging.evidence import Estimate, Unresolved
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report.drawings import dots
from lit_clid.judging.report.sections.outcome import outcome
from lit_clid.judging.report.tiles import hundred, tiles
from lit_clid.scores import Scores

RATES = st.floats(0, 1)


def judged(gap: float, holdouts: int = 200, claim: bool = False) -> Judgement:
    score, member = normal_scores(200, holdouts, gap, 0)
    ids = tuple(f"r{k:04d}" for k in range(len(member)))
    return judge(Scores(ids, member, {"s": score}, claim=claim))


BARE = judged(1.0)


def rated(strict: float | None, loose: float | None) -> Judgement:
    """The same judgement with other rates."""
    rates = {"0.1": loose, "0.01": strict, "0.001": None}
    found = {}
    for cap, rate in rates.items():
        found[cap] = Unresolved("too few") if rate is None else Estimate(rate, 0.0, 1.0)
    return replace(BARE, grades={"s": replace(BARE.grades["s"], tpr_at_fpr=found)})


@given(RATES)
def test_as_many_dots_are_full_as_the_rounded_rate(rate: float) -> None:
    shown = hundred(rated(rate, 1.0))
    assert shown is not None
    assert (shown.recognised, shown.accused) == (round(100 * rate), 1)
    drawn = str(dots(shown.recognised, "inside", "words"))
    assert drawn.count('class="full inside"') == round(100 * rate)
    assert drawn.count("<circle") == 100


@given(RATES)
def test_few_holdouts_take_the_loose_cap_and_say_so(rate: float) -> None:
    shown = hundred(rated(None, rate))
    assert shown is not None
    assert (shown.cap, shown.accused, shown.stricter) == (10, 10, 1)
    assert shown.recognised == round(100 * rate)
    assert [tile.name for tile in tiles(rated(None, rate))][1] == "TPR at 10 % FPR"


def test_without_any_rate_there_are_no_dots() -> None:
    few = rated(None, None)
    assert hundred(few) is None
    assert tiles(few)[1].value == "–" and "too few" in tiles(few)[1].words


def test_the_third_figure_is_the_accuracy_or_the_test_of_the_choice() -> None:
    (target, _), (shadow, _) = tables(0, 1.5), tables(1, 1.5)
    with_shadow = tiles(judge(target, shadow))
    assert [tile.name for tile in with_shadow] == ["AUROC", "TPR at 1 % FPR", "Accuracy"]
    assert [tile.name for tile in tiles(judge(target))][2] == "Permutation test"
    named = tiles(judge(target, headline="loss"))
    assert [tile.name for tile in named] == ["AUROC", "TPR at 1 % FPR", "TPR at 10 % FPR"]


def test_a_claim_shows_set_share_and_list() -> None:
    shown = tiles(judged(1.0, claim=True))
    assert [tile.name for tile in shown] == ["The set", "The share", "The list"]
    assert shown[0].value == "p = 0.0001" and shown[1].value.startswith("≥ ")


@pytest.mark.parametrize(
    ("gap", "claim", "word", "tone"),
    [
        (2.0, False, "REMEMBERS", "found"),
        (0.0, False, "NOT SHOWN", "open"),
        (-2.0, False, "WRONG WAY", "wrong"),
        (2.0, True, "SHOWN", "found"),
        (0.0, True, "NOT SHOWN", "open"),
    ],
)
def test_the_outcome_has_one_word(gap: float, claim: bool, word: str, tone: str) -> None:
    found = outcome(judged(gap, claim=claim))
    assert (found.word, found.tone) == (word, tone)
