"""The strongest of several attacks: as often called a finding by chance as it is said to be."""

import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lit_clid.errors import UserError
from lit_clid.judging.evidence import TAIL
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.maximum import maximum, midranks
from lit_clid.judging.report.sections.verdict import verdict
from lit_clid.scores import Scores


def signals(records: int, seed: int, attacks: int = 12) -> np.ndarray:
    """Correlated signals (attacks, records), half their variance common, some of them tied."""
    rng = np.random.default_rng(seed)
    found: np.ndarray = rng.normal(size=records) + rng.normal(size=(attacks, records))
    found[::3] = np.round(found[::3])
    return found


def table(columns: np.ndarray, member: np.ndarray) -> Scores:
    ids = tuple(f"r{k:04d}" for k in range(len(member)))
    return Scores(ids, member, {f"s{k:02d}": column for k, column in enumerate(columns)})


def leaking() -> Scores:
    member = np.arange(120) < 60
    return table(signals(120, 0) + 1.5 * member, member)


def test_the_maximum_is_the_largest_auroc() -> None:
    columns, member = signals(90, 1), np.arange(90) < 30
    assert midranks(np.array([2.0, 1.0, 2.0, 5.0])).tolist() == [2.5, 1.0, 2.5, 4.0]
    by_hand = max(roc_auc_score(member, column) for column in columns)
    found = maximum(list(columns), member)
    assert found.value == pytest.approx(by_hand, abs=1e-12)
    assert found == maximum(list(np.exp(columns)), member)  # ranks alone count
    assert (found.low > 0.5) == (found.p <= TAIL)


def test_a_rising_number_of_attacks_raises_the_critical_maximum() -> None:
    columns, member = list(signals(90, 1)), np.arange(90) < 45
    few, many = maximum(columns[:1], member), maximum(columns, member)
    assert 0.5 < few.critical < many.critical


def test_permuted_labels_are_found_guilty_as_rarely_as_said() -> None:
    """400 tables whose labels say nothing: at most 2.5 % and three binomial standard errors. The
    interval of the strongest attack alone would say so in a fifth of them and more.
    """
    columns, rng = list(signals(60, 2)), np.random.default_rng(3)
    labels = [rng.permutation(60) < 30 for _ in range(400)]
    guilty = sum(maximum(columns, member).p <= TAIL for member in labels)
    assert guilty <= 400 * TAIL + 3 * np.sqrt(400 * TAIL * (1 - TAIL))
    assert guilty > 0


def test_the_verdict_follows_the_test_and_not_the_interval() -> None:
    columns, rng, fooled = signals(60, 2), np.random.default_rng(4), 0
    labels = [rng.permutation(60) < 30 for _ in range(60)]
    lucky = sorted(labels, key=lambda member: maximum(list(columns), member).p)
    for member in lucky[:8]:
        found = judge(table(columns, member))
        said, selection = verdict(found), found.selection
        assert selection is not None and selection.attacks == 12
        assert ("remembers" in said) == (selection.p <= TAIL)
        assert "interval of 0." not in said and f"p = {selection.p:.2g}" in said
        fooled += found.grades[found.headline].auroc.low > 0.5 and "remembers" not in said
    assert fooled > 0  # or nothing was tested


def test_a_leak_is_found() -> None:
    found = judge(leaking())
    assert found.chosen == "maximum" and found.selection is not None
    assert found.selection.p < 0.001
    assert "clearly remembers" in verdict(found)
    assert "the strongest here of 12 attacks" in verdict(found)


def test_a_name_given_beforehand_is_the_headline() -> None:
    target = leaking()
    shadow = Scores(tuple(f"x{k}" for k in range(120)), target.member, target.signals)

    def named(*tables: Scores) -> Judgement:
        return judge(*tables, headline="s05")

    for found in (named(target), named(target, shadow)):
        assert (found.headline, found.chosen, found.selection) == ("s05", "named", None)
        assert "named beforehand" in verdict(found) and "95 % interval" in verdict(found)
    assert judge(target, shadow).chosen == "shadow"
    with pytest.raises(UserError, match="headline: 'lost' is none of the judged attacks; name"):
        judge(target, headline="lost")


def test_a_large_audit_does_not_wait_for_it() -> None:
    columns, member = list(signals(5000, 5, 22)), np.arange(5000) < 2500
    start = time.process_time()
    maximum(columns, member)
    assert time.process_time() - start < 10  # 1 s on a quiet machine
