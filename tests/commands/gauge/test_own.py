"""The gauge of a run's own training."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import ROOT, SMALL, Run, arguments
from tuning import DATA, Stop, recipe, tune, weights

from lit_clid.commands.gauge.callback import Gauge
from lit_clid.commands.gauge.own import gauge_of
from lit_clid.commands.reading import Settings, read
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.errors import UserError
from lit_clid.models.load import load_target
from lit_clid.models.note import read_note

GAUGED = ("gauge.every=2", "gauge.probe=5")


def settings(base: Path, runs: Path, *words: str) -> Settings:
    return read(arguments(runs, base, *words))


def of(split: Split, base: Path, runs: Path, *words: str) -> Gauge:
    made = gauge_of(settings(base, runs, *GAUGED, f"data.members={DATA.members}", *words), split)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(DATA, 0, tmp_path_factory.mktemp("split"))


def test_it_is_off_unless_it_is_asked_for(
    pipeline_folder: Path, tmp_path: Path, split: Split
) -> None:
    assert gauge_of(settings(pipeline_folder, tmp_path), split) is None
    for words, fault in (
        (("gauge.every=0",), "gauge.every: 0"),
        (("gauge.every=2", "gauge.probe=1"), "gauge.probe: 1"),
        (("gauge.every=2", "gauge.attack=gsa1"), "gauge: attack = 'gsa1' is not a cheap one"),
    ):
        with pytest.raises(UserError, match=fault):
            gauge_of(settings(pipeline_folder, tmp_path, *words), split)
    named = of(split, pipeline_folder, tmp_path, "role=shadow").stem
    assert named is not None and named.name == "gauge-training-shadow"


@pytest.mark.slow
@pytest.mark.parametrize("options", [recipe(), recipe(ema_decay=None), recipe(train="lora")])
def test_the_weights_are_those_of_a_training_without_it(
    pipeline_folder: Path, tmp_path: Path, split: Split, options: Any
) -> None:
    alone, _, _ = tune(pipeline_folder, split, tmp_path / "alone", options)
    average = options.ema_decay
    words = f"finetune.ema_decay={'null' if average is None else average}"
    watched = of(split, pipeline_folder, tmp_path, words)
    module, _, _ = tune(pipeline_folder, split, tmp_path / "both", options, gauge=watched)
    assert [each.step for each in watched.readings] == [0, 2, 4, 6]
    assert {each.weights for each in watched.readings} == {
        "trained" if average is None else "averaged"
    }
    for first, second in zip(weights(alone).values(), weights(module).values(), strict=True):
        assert torch.equal(first, second)


@pytest.mark.slow
def test_a_killed_training_goes_on_with_its_readings(
    pipeline_folder: Path, tmp_path: Path, split: Split
) -> None:
    whole = of(split, pipeline_folder, tmp_path)
    tune(pipeline_folder, split, tmp_path / "whole", recipe(), gauge=whole)
    killed = of(split, pipeline_folder, tmp_path)
    with pytest.raises(RuntimeError, match="killed"):
        tune(pipeline_folder, split, tmp_path / "cut", recipe(), 6, (Stop(5),), gauge=killed)
    rest = of(split, pipeline_folder, tmp_path)
    tune(pipeline_folder, split, tmp_path / "cut", recipe(), gauge=rest)
    assert rest.readings == whole.readings


@pytest.mark.slow
def test_a_run_leaves_the_curve_of_the_weights_that_it_exports(
    pipeline_folder: Path, tmp_path: Path, run: Run
) -> None:
    words = arguments(tmp_path, pipeline_folder, *GAUGED, "finetune.samples=0")
    code, said = run("train", *words)
    assert code == 0 and "gauge: None of the 4 measurements shows" in said
    folder = tmp_path / "small"
    rows = list(csv.DictReader((folder / "gauge-training.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["0", "2", "4", "6"]
    assert (folder / "gauge-training.svg").read_text().startswith("<svg")
    note = read_note(str(folder / "target"))
    assert note is not None and not [key for key in note.facts.rest if "gauge" in key]
    config = read(words)
    same = gauge_of(config, load_split(config.data, config.seed, folder))
    assert same is not None
    exported = load_target(str(folder / "target"), channels_last=False)
    split = same.records.split
    data = CaptionedImages(split, config.data, "target", seed=0, side=64, batch_size=1)
    found = same.measure(exported, data, 6, "averaged")
    assert found is not None
    assert rows[-1]["auroc"] == str(found.auroc.value)
    assert float(rows[-1]["heldout_loss"]) == pytest.approx(found.heldout_loss.value, rel=1e-6)


@pytest.mark.slow
def test_two_processes_have_the_same_figures(pipeline_folder: Path, tmp_path: Path) -> None:
    two = ["trainer.devices=2", "trainer.strategy=ddp", "finetune.samples=0"]
    for name, more in (("one", []), ("two", two)):
        words = [f"runs={tmp_path}", f"name={name}", f"target.path={pipeline_folder}", *SMALL]
        command = [sys.executable, str(ROOT / "train.py"), *words, *GAUGED, *more]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        assert done.returncode == 0, done.stderr
    rows = [
        list(csv.DictReader((tmp_path / name / "gauge-training.csv").read_text().splitlines()))
        for name in ("one", "two")
    ]
    assert rows[0][0] == rows[1][0]  # the base; then two processes see other batches
    assert [row["step"] for row in rows[1]] == ["0", "2", "4", "6"]
