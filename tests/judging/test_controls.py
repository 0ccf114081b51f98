"""The blind baseline fires where the kinds differ without a model, and seldom where they do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tables import tables
from worlds import within

from lit_clid.about import About
from lit_clid.data.blind import caption_features, image_features
from lit_clid.errors import UserError
from lit_clid.judging.controls.blind import blind_baselines
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.sections.verdict import verdict
from lit_clid.judging.report.words import terminal
from lit_clid.scores import Scores

pytestmark = pytest.mark.usefixtures("few_permutations")


def features(seed: int, shift: float, suspects: int = 0, count: int = 40) -> Scores:
    dice = np.random.default_rng(seed)
    total = 2 * count + suspects
    told = [True] * count + [False] * count + [None] * suspects
    columns = {f"f{k}": dice.normal(size=total) for k in range(12)}
    columns["f3"] = columns["f3"] + shift * np.array([kind is not False for kind in told])
    names = [f"r{k:03d}" for k in range(total)]
    return Scores.of_told(names, told, columns, About(), "blind")


def test_it_fires_where_the_sources_differ() -> None:
    (found,) = blind_baselines(features(0, 2.0), features(0, 2.0))
    assert found.fires
    assert (found.kind, found.strongest[0]) == ("members", "f3")
    assert found.auroc > 0.8
    many = features(0, 2.0, suspects=30)
    both = blind_baselines(many, many)
    assert [each.kind for each in both] == ["members", "suspects"]
    assert all(each.fires for each in both)


@pytest.mark.slow
def test_it_seldom_fires_where_they_do_not() -> None:
    worlds = [features(seed, 0.0, count=20) for seed in range(20)]
    fired = [blind_baselines(each, each)[0].p <= 0.05 for each in worlds]
    assert within(float(np.mean(fired)), 0.05, 20)


def test_a_control_that_fires_stands_before_the_verdict(tmp_path: Path) -> None:
    target, _ = tables(0, 1.5, 40)
    blind = [replace(features(0, shift), ids=target.ids) for shift in (0.0, 2.0)]
    quiet, loud = (judge(target, blind=each) for each in blind)
    with pytest.raises(UserError, match="speaks of other records"):
        judge(target, blind=features(0, 0.0))
    assert verdict(loud).startswith("NOT CONCLUSIVE: Without the model, captions and images alone")
    assert verdict(loud).endswith(verdict(quiet))
    assert "do not show a difference between members" in terminal(Report("r", quiet))
    page = write_report(Report("r", loud), tmp_path).read_text(encoding="utf-8")
    assert 'aria-label="fires"' in page
    assert 'aria-label="quiet"' not in page
    assert judge(target).controls == ()


def test_features_tell_what_they_are_of() -> None:
    dark, light = (Image.new("RGB", (80, 40), (value,) * 3) for value in (10, 240))
    found = [image_features(image) for image in (dark, light)]
    assert found[0]["r_mean"] < found[1]["r_mean"]
    assert found[0]["corner_mean"] < found[1]["corner_mean"]
    assert found[0]["image_width"] == pytest.approx(np.log(80))
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    busy = image_features(Image.fromarray(noise))
    assert busy["image_bytes"] > found[0]["image_bytes"]
    assert busy["frequency_5"] > found[0]["frequency_5"]
    told = caption_features("A Cat, 2 dogs\u2028")
    assert (told["caption_words"], told["caption_characters"]) == (4, 14)
    assert sum(told[f"word_{k}"] for k in range(24)) == 4
    for odd in ("", "\U0001f408", "x" * 10_000):
        assert all(np.isfinite(list(caption_features(odd).values())))


def test_the_order_of_records_is_nothing() -> None:
    table = features(1, 0.5)
    order = np.random.default_rng(0).permutation(len(table.ids))
    shuffled = replace(
        table,
        ids=tuple(table.ids[k] for k in order),
        member=table.member[order],
        signals={name: values[order] for name, values in table.signals.items()},
    )
    assert blind_baselines(shuffled, table) == blind_baselines(table, table)
