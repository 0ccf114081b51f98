"""Records that share an image count for what they are worth: at least one image, at most their
number.
"""

from pathlib import Path

import numpy as np
import pytest

from lit_clid.about import About
from lit_clid.judging.calibration import cross_fitted
from lit_clid.judging.epsilon import epsilon_bound
from lit_clid.judging.evidence import estimate, independent, paired_auroc_difference
from lit_clid.judging.judge import judge
from lit_clid.judging.maximum import maximum
from lit_clid.judging.rates import capped_rate, carried_rates
from lit_clid.judging.report import page, words
from lit_clid.judging.report.section import Report
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.rule import Rule
from lit_clid.scores import Scores

TIMES = 3


def world(seed: int, count: int = 60, shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    member = np.arange(2 * count) < count
    return dice.normal(size=2 * count) + shift * member, member


def again(values: np.ndarray) -> np.ndarray:
    return np.repeat(values, TIMES)


@pytest.mark.parametrize("seed", range(3))
def test_records_that_say_the_same_are_worth_one(seed: int) -> None:
    score, member = world(seed)
    other, shadow = world(seed + 10)[0], world(seed + 20)
    image = again(np.arange(len(score)))
    both = again(score), again(member)
    one = estimate({"auroc": auroc}, score, member)["auroc"]
    three = estimate({"auroc": auroc}, *both, image)["auroc"]
    assert [three.value, three.low, three.high] == pytest.approx([one.value, one.low, one.high])
    naive = estimate({"auroc": auroc}, *both)["auroc"]
    assert naive.high - naive.low < 0.8 * (three.high - three.low)
    for cap in (0.1, 0.05):
        few, many = capped_rate(score, member, cap), capped_rate(*both, cap, image)
        assert few.as_json() == pytest.approx(many.as_json())
        carried = carried_rates(score, member, shadow, cap).as_json()
        assert carried["tpr"] == pytest.approx(
            carried_rates(*both, shadow, cap, image).as_json()["tpr"]
        )
    assert capped_rate(*both, 0.01, image).as_json()["value"] is None
    assert capped_rate(*both, 0.01).as_json()["value"] is not None
    lows = [epsilon_bound(score, member, shadow).low, epsilon_bound(*both, shadow, 0.0, image).low]
    assert lows[0] == pytest.approx(lows[1])
    pair = paired_auroc_difference(score, other, member)
    assert pair.low == pytest.approx(
        paired_auroc_difference(again(score), again(other), again(member), image).low
    )
    tests = (
        maximum([score, other], member),
        maximum([again(score), again(other)], both[1], 0, image),
    )
    assert tests[0].p == tests[1].p and tests[0].critical == pytest.approx(tests[1].critical)


def test_images_of_their_own_change_nothing() -> None:
    score, member = world(0)
    image = np.random.default_rng(1).permutation(len(score))
    assert independent(member, image) == (60, 60)
    plain, own = (estimate({"auroc": auroc}, score, member, each) for each in (None, image))
    assert plain["auroc"].low == pytest.approx(own["auroc"].low, abs=0.02)
    assert capped_rate(score, member, 0.1) == capped_rate(score, member, 0.1, image)


def test_intervals_cover_where_captions_of_an_image_agree_in_part() -> None:
    """Half of a score's variance is the image's: AUROC 0.760 of a shift of one."""
    covered, naive, worlds = 0, 0, 150
    truth = 0.7602
    for seed in range(worlds):
        own, member = world(seed, 40, 0.0)
        dice = np.random.default_rng(10**4 + seed)
        score = again(own) * 0.5**0.5 + dice.normal(size=TIMES * len(own)) * 0.5**0.5
        score += again(member)
        image = again(np.arange(len(own)))
        found = estimate({"auroc": auroc}, score, again(member), image)["auroc"]
        plain = estimate({"auroc": auroc}, score, again(member))["auroc"]
        covered += found.low <= truth <= found.high
        naive += plain.low <= truth <= plain.high
    error = 3 * (0.95 * 0.05 / worlds) ** 0.5
    assert covered / worlds >= 0.95 - error - 0.02
    assert naive < covered


def test_folds_never_part_an_image() -> None:
    score, member = world(0)
    image = again(np.arange(len(score)))

    class Memory(Rule):
        """Scores what it has seen highest."""

        def fit(self, columns: np.ndarray, label: np.ndarray) -> "Memory":
            self.seen = set(columns[:, 0].tolist())
            return self

        def score(self, columns: np.ndarray) -> np.ndarray:
            return np.array([value in self.seen for value in columns[:, 0].tolist()], float)

        def prior(self, columns: np.ndarray) -> None:
            return None

        def describe(self) -> str:
            return "memory"

    columns = again(score)[:, None]
    assert not cross_fitted(Memory(), columns, again(member), image).any()
    assert cross_fitted(Memory(), columns, again(member)).any()


def test_the_table_keeps_them_and_the_report_says_so(tmp_path: Path) -> None:
    score, member = world(0, 30)
    ids = tuple(f"r{k:02d}#{n}" for k in range(60) for n in range(TIMES))
    images = {name: name[:3] for name in ids if name < "r50"}
    table = Scores(ids, again(member), {"loss": again(score)}, About(), "t", images=images)
    table.save(tmp_path / "target.parquet")
    loaded = Scores.load(tmp_path / "target.parquet")
    assert loaded.images == images and set(loaded.signals) == {"loss"}
    assert independent(loaded.member, loaded.cluster) == (30, 20 + TIMES * 10)
    report = Report("r", judge(loaded))
    assert page.report_json(report)["images"] == {"members": 30, "nonmembers": 50}
    said = "180 records are of 30 members' and 50 hold-outs' images"
    assert said in words.terminal(report) and said in page.report_markdown(report)
    roc = curve(again(score), again(member))
    assert page.report_json(report)["attacks"]["loss"]["auroc"]["value"] == float(auroc(roc))
