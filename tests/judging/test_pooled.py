"""Means over runs, with intervals over records and over runs."""

from collections.abc import Callable

import numpy as np

from lit_clid.judging.evidence import Estimate, Unresolved, replicate_means
from lit_clid.judging.pooled import Pooled, pool


def coverage(
    draw: Callable[[np.random.Generator], float], interval: Callable[..., tuple[float, float]]
) -> float:
    hits = []
    for trial in range(300):
        dice = np.random.default_rng(trial)
        low, high = interval(dice)
        hits.append(low <= draw(dice) <= high)
    return float(np.mean(hits))


def test_pooled_intervals_cover_the_truth() -> None:
    """Over records: given the runs. Over runs: where every run has a mean of its own."""

    def over_records(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(size=100) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        return found.over_records.low, found.over_records.high

    def over_runs(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(dice.normal(), size=50) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        assert isinstance(found.over_runs, Estimate)
        return found.over_runs.low, found.over_runs.high

    assert 0.90 <= coverage(lambda _: 0.0, over_records) <= 0.99
    assert 0.91 <= coverage(lambda _: 0.0, over_runs) <= 0.99


def test_one_run_says_nothing_of_others() -> None:
    found = pool([0.7], [np.linspace(0.6, 0.8, 101)])
    assert isinstance(found.over_runs, Unresolved)
    assert found.runs == (0.7,) and found.value == 0.7
    assert found.as_json()["over_runs"] == {"low": None, "high": None}


def test_a_figure_is_sure_where_both_intervals_are() -> None:
    own = Estimate(0.2, 0.1, 0.3)
    assert Pooled(own, (0.2,), Unresolved("one run")).excludes(0.0)
    assert Pooled(own, (0.1, 0.3), Estimate(0.2, 0.05, 0.35)).excludes(0.0)
    assert not Pooled(own, (0.1, 0.3), Estimate(0.2, -1.0, 1.4)).excludes(0.0)
