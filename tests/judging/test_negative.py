"""The reference as a negative control, and what scores lean on."""

from dataclasses import replace

import numpy as np
import pytest
from tables import tables, told
from worlds import within

from lit_clid.judging.controls.control import FIRES, NOTICE, QUIET
from lit_clid.judging.controls.leaning import leaning
from lit_clid.judging.controls.negative import negative_controls
from lit_clid.judging.judge import judge
from lit_clid.judging.report.sections.verdict import verdict
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")


def reference(seed: int, shift: float, suspects: int = 0) -> Scores:
    """Five signals of a model that never saw the records, which differ by `shift` all the same."""
    dice = np.random.default_rng(seed)
    kinds = [True] * 60 + [False] * 60 + [None] * suspects
    inside = np.array([kind is not False for kind in kinds])
    signals = {f"s{k}": dice.normal(size=len(kinds)) + shift * inside for k in range(5)}
    specs = {name: {"columns": [name], "rule": "first"} for name in signals}
    about = replace(told(attacks=specs), model="the base")
    return Scores.of_told([f"r{k:03d}" for k in range(len(kinds))], kinds, signals, about, "table")


def test_a_reference_that_tells_them_fires() -> None:
    (found,) = negative_controls(reference(0, 1.0))
    assert found.state == FIRES
    assert (
        "The reference (the base), which should never have seen the members, tells them"
        in found.words
    )
    both = negative_controls(reference(0, 1.0, suspects=40))
    assert [(each.kind, each.state) for each in both] == [("members", FIRES), ("suspects", FIRES)]
    assert negative_controls(None) == []


def test_a_reference_that_tells_them_the_other_way_fires_too() -> None:
    (found,) = negative_controls(reference(0, -1.0))
    assert found.state == FIRES and found.figures["auroc"] > 0.6


def test_a_reference_that_does_not_seldom_fires() -> None:
    fired = [negative_controls(reference(seed, 0.0))[0].state == FIRES for seed in range(100)]
    assert within(float(np.mean(fired)), 0.01, 100)


def test_the_verdict_says_so_first() -> None:
    target, base = tables(0, 1.5)
    shifted = replace(base, signals={"loss": base.signals["loss"] + 9.0 * base.member})
    assert verdict(judge(target, reference=shifted)).startswith("NOT CONCLUSIVE: The reference")
    assert not verdict(judge(target, reference=base)).startswith("NOT CONCLUSIVE")


def leaning_world(slope: float) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    dice = np.random.default_rng(0)
    member, size = np.arange(400) < 200, dice.normal(size=400)
    score = dice.normal(size=400) + member + slope * size
    return score, member, {"image_bytes": size, "caption_words": dice.integers(3, 9, 400) * 1.0}


def test_a_score_that_leans_on_the_image_is_told_and_mended() -> None:
    """With the noise of the image regressed out the gap of 1 σ is whole again: AUROC 0.76."""
    (found,) = leaning(*leaning_world(3.0), "members")
    assert found.state == NOTICE and found.figures["spearman"]["image_bytes"] > 0.8
    assert found.figures["auroc"] < 0.65
    assert found.figures["auroc_regressed_out"] == pytest.approx(0.76, abs=0.05)
    (quiet,) = leaning(*leaning_world(0.0), "members")
    assert quiet.state == QUIET
    assert quiet.figures["auroc_regressed_out"] == pytest.approx(quiet.figures["auroc"], abs=0.02)


def test_a_constant_says_nothing() -> None:
    score, member, features = leaning_world(0.0)
    assert leaning(np.zeros(400), member, features, "members") == []
    assert leaning(score, member, {"image_bytes": np.ones(400)}, "members") == []
