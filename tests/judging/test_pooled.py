"""Means over runs, with intervals over records and over runs."""

import numpy as np
import pytest

from lit_clid.judging import evidence
from lit_clid.judging.evidence import Estimate, Unresolved, replicate_means
from lit_clid.judging.pooled import Pooled, pool


def means(runs: list[np.ndarray]) -> Pooled:
    values = [float(run.mean()) for run in runs]
    return pool(values, [replicate_means(run, k) for k, run in enumerate(runs)])


@pytest.mark.slow
def test_pooled_intervals_cover_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over records: given the runs. Over runs: where every run has a mean of its own.

    2000 worlds have a binomial standard error of 0.5 %.
    """
    monkeypatch.setattr(evidence, "REPLICATES", 400)
    hits = []
    for world in range(2000):
        dice = np.random.default_rng(world)
        own = means([dice.normal(size=100) for _ in range(3)]).over_records
        over = means([dice.normal(dice.normal(), size=50) for _ in range(3)]).over_runs
        assert isinstance(over, Estimate)
        hits.append([own.low <= 0 <= own.high, over.low <= 0 <= over.high])
    for share in np.mean(hits, axis=0):
        assert 0.93 <= share <= 0.97


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
