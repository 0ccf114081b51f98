"""Differences between attacks, and between runs: paired where the records are the same."""

import numpy as np
import pytest

from lit_clid.errors import UserError
from lit_clid.judging.evidence import Estimate, Unresolved, paired_auroc_difference
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.versus import from_first, same_records, versus
from lit_clid.scores import Scores


def judgement(seed: int, count: int = 200, prefix: str = "r", shift: float = 0.8) -> Judgement:
    dice = np.random.default_rng(seed)
    member = np.arange(count) % 2 == 0
    shared = dice.normal(size=count)
    signals = {
        "strong": shared + shift * member + 0.1 * dice.normal(size=count),
        "weak": shared + 0.6 * shift * member + 0.1 * dice.normal(size=count),
        "noise": dice.normal(size=count),
    }
    return judge(Scores([f"{prefix}{k:03d}" for k in range(count)], member, signals))


def width(found: object) -> float:
    assert isinstance(found, Estimate)
    return found.high - found.low


def test_a_paired_difference_is_that_of_the_headline() -> None:
    found = judgement(0)
    scores = {name: grade.verdict.score for name, grade in found.grades.items()}
    told = versus(found, "weak")
    assert set(told) == {"strong", "noise"}
    naive = paired_auroc_difference(scores["strong"], scores["weak"], found.target.member)
    assert told["strong"]["auroc"] == naive
    turned = versus(found, "strong")["weak"]["auroc"]
    assert isinstance(turned, Estimate)
    assert turned.value == pytest.approx(-naive.value)
    assert (turned.low, turned.high) == pytest.approx((-naive.high, -naive.low))


def test_what_the_records_share_drops_out() -> None:
    found = judgement(0)
    told = versus(found, "weak")
    assert width(told["strong"]["auroc"]) < 0.5 * width(told["noise"]["auroc"])


def test_rates_need_hold_outs() -> None:
    few, many = judgement(0, 80), judgement(0, 100)
    assert isinstance(versus(few, "weak")["strong"]["tpr_at_fpr_0.1"], Unresolved)
    assert isinstance(versus(many, "weak")["strong"]["tpr_at_fpr_0.1"], Estimate)


def test_runs_on_the_same_records_are_paired_and_others_are_not() -> None:
    first = judgement(0)
    paired = from_first({"a": first, "b": judgement(0, shift=1.0)}, "strong")["b"]["auroc"]
    apart = from_first({"a": first, "b": judgement(0, prefix="s", shift=1.0)}, "strong")["b"]
    assert same_records(first, judgement(7)) and not same_records(first, judgement(0, prefix="s"))
    assert width(paired) < 0.5 * width(apart["auroc"])


def test_an_interval_of_independent_runs_covers() -> None:
    """Of 60 pairs of runs that know the same, some three are told apart at 95 %."""
    wrong = 0
    for k in range(60):
        runs = {"a": judgement(2 * k, 120), "b": judgement(2 * k + 1, 120, prefix="s")}
        found = from_first(runs, "strong")["b"]["auroc"]
        assert isinstance(found, Estimate)
        wrong += found.excludes(0.0)
    assert wrong <= 8


def test_an_unknown_baseline() -> None:
    with pytest.raises(UserError, match="baseline: 'lost' is none of the judged attacks: "):
        versus(judgement(0), "lost")
