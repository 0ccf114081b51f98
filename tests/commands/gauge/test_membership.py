"""The gauge in a training of somebody else's: it sees the model, and leaves no trace."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from gauged import Record, Theirs, fit, gauge, records
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from toys import Toy

from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.data.images import fit_square, to_tensor
from lit_clid.errors import UserError
from lit_clid.models.load import load_target

pytestmark = [
    pytest.mark.slow,
    # half of their module is meant to be in evaluation mode
    pytest.mark.filterwarnings("ignore:Found .* in eval mode"),
]


@pytest.fixture(scope="module")
def known() -> tuple[list[Record], list[Record]]:
    return records(6)


def test_it_sees_the_model_that_is_trained(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    """At the start it says what an audit of the folder says, at the end what it says of the
    exported pipeline.
    """
    module, watched = Theirs(pipeline_folder), gauge(known, tmp_path)
    fit(module, tmp_path, watched)
    module.pipeline.save_pretrained(tmp_path / "end")
    for folder, found in (
        (pipeline_folder, watched.readings[0]),
        (tmp_path / "end", watched.readings[-1]),
    ):
        again = watched.measure(
            load_target(str(folder), channels_last=False), watched._data, found.step, "trained"
        )
        assert again == found
    assert watched.readings[0].heldout_loss != watched.readings[-1].heldout_loss


def test_the_loss_is_that_of_the_oracle(pipeline_folder: Path, tmp_path: Path, known: Any) -> None:
    watched = gauge(known, tmp_path)
    fit(Theirs(pipeline_folder), tmp_path, watched, steps=1)
    data, target = watched._data, load_target(str(pipeline_folder), channels_last=False)
    assert data is not None
    ids = tuple(entry.id for entry in data.holdouts.entries)
    batch = Batch(ids, data.holdouts.images(range(6)), tuple(data.holdouts.captions))
    oracle = ModelOracle(target, batch, 0)
    naive = torch.stack([oracle.error(t) for t in (100, 300, 500, 700, 900)]).mean()
    assert watched.readings[0].heldout_loss.value == pytest.approx(float(naive), rel=1e-5)


def test_what_is_logged_and_written(pipeline_folder: Path, tmp_path: Path, known: Any) -> None:
    logger = CSVLogger(tmp_path, name="log")
    watched = gauge(known, None)
    trainer = fit(Theirs(pipeline_folder), tmp_path, watched, logger=logger)
    logger.save()
    folder = Path(str(trainer.log_dir))
    rows = list(csv.DictReader((folder / "gauge.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["0", "2", "4", "5"]
    logged = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    for name in ("auroc", "auroc_low", "auroc_high", "heldout_loss", "member_loss"):
        values = [row[f"gauge/{name}"] for row in logged if row[f"gauge/{name}"]]
        assert values == [row[name] for row in rows]
    assert (folder / "gauge.svg").read_text().startswith("<svg")
    assert watched.sentence.startswith("None of the 4 measurements")
    assert watched.first_step is None


def test_readings_survive_a_resumed_training(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    whole = gauge(known, tmp_path / "whole")
    fit(Theirs(pipeline_folder), tmp_path, whole, steps=6)
    halves = []
    for steps, file in ((4, None), (6, tmp_path / "saved" / "epoch=0-step=4.ckpt")):
        saver = ModelCheckpoint(tmp_path / "saved", save_top_k=-1, every_n_train_steps=4)
        halves.append(gauge(known, tmp_path / "cut"))
        options = {"enable_checkpointing": True, "ckpt_path": file}
        fit(Theirs(pipeline_folder), tmp_path, halves[-1], saver, steps=steps, **options)
    rest = halves[1]
    assert [each.step for each in rest.readings] == [0, 2, 4, 6]
    assert rest.readings[:3] == halves[0].readings == whole.readings[:3]


def test_a_second_training_is_measured_anew(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    watched = gauge(known, tmp_path)
    fit(Theirs(pipeline_folder), tmp_path, watched)
    first = watched.readings
    fit(Theirs(pipeline_folder), tmp_path, watched, steps=2)
    assert watched.readings is not first
    assert [each.step for each in watched.readings] == [0, 2]


def test_the_end_is_seen_however_training_ends(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    class Early(Callback):
        def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
            trainer.should_stop = trainer.global_step == 3

    epochs = gauge(known, tmp_path, 100)
    fit(Theirs(pipeline_folder), tmp_path, epochs, steps=-1, max_epochs=1)
    assert [each.step for each in epochs.readings] == [0, 4]
    stopped = gauge(known, tmp_path, 100)
    fit(Theirs(pipeline_folder), tmp_path, stopped, Early(), steps=50)
    assert [each.step for each in stopped.readings] == [0, 3]


def test_bad_input(pipeline_folder: Path, tmp_path: Path, known: Any) -> None:
    module, members = Theirs(pipeline_folder), known[0]
    for options, fault in (
        ({"attack": "gsa1"}, "'gsa1' is not a cheap one without a shadow: loss"),
        ({"attack": "clid_vec"}, "is not a cheap one without a shadow"),
        ({"weights": "best"}, "weights = 'best'"),
        ({"probe": 1}, "probe = 1"),
    ):
        with pytest.raises(UserError, match=fault):
            gauge(known, tmp_path, **options)
    with pytest.raises(UserError, match=r"every_n_steps = 0"):
        gauge(known, tmp_path, 0)
    with pytest.raises(UserError, match="images of members too"):
        gauge((members, members), tmp_path)
    for options, fault in (
        ({"target": "pipe"}, "has no attribute 'pipe'"),
        ({"target": "unet"}, "target gives a UNet2DConditionModel; give a pipeline of diffusers"),
        ({"target": lambda module: None}, "target gives a NoneType"),
        ({"weights": "averaged"}, "no callback averages them"),
    ):
        with pytest.raises(UserError, match=fault):
            fit(module, tmp_path, gauge(known, tmp_path, **options))
    watched, elsewhere = gauge(known, tmp_path), SimpleNamespace(strategy=object())
    with pytest.raises(UserError, match="must lie whole on each device"):
        watched.setup(elsewhere, module, "fit")  # type: ignore[arg-type]


def test_broken_weights_are_no_figure(
    pipeline_folder: Path, tmp_path: Path, known: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Break(Callback):
        def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
            if trainer.global_step == 1:
                next(pl_module.unet.parameters()).data.fill_(float("nan"))

    watched = gauge(known, tmp_path, 1)
    fit(Theirs(pipeline_folder), tmp_path, watched, Break(), steps=2)
    assert [each.step for each in watched.readings] == [0, 1]
    said = capsys.readouterr().out
    assert said.count("gauge: no figure at step 2, the model answers NaN") == 1


def test_every_cheap_attack_can_be_the_gauge(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    target = load_target(str(pipeline_folder), channels_last=False)
    watched = gauge(known, tmp_path)
    fit(Theirs(pipeline_folder), tmp_path, watched, steps=1)
    for name in ("loss", "clir", "clid_th_noise", "pia", "secmi"):
        other = gauge(known, tmp_path, attack=name)
        found = other.measure(target, watched._data, 0, "trained")
        assert found is not None  # asked in other company, so that the last digits differ
        told, first = found.heldout_loss, watched.readings[0].heldout_loss
        assert told is not None and first is not None
        assert (told.value, told.low, told.high) == pytest.approx(
            (first.value, first.low, first.high), rel=1e-6
        )


def test_a_model_that_remembers_from_a_step_on(pipeline_folder: Path, tmp_path: Path) -> None:
    """Any target will do: a toy that is told its members at step 2."""
    members, holdouts = records(24)
    toy = Toy()

    class Tell(Callback):
        def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
            if trainer.global_step == 2:
                toy.remembered |= {text: to_tensor(fit_square(image, 4)) for image, text in members}
                toy.names = list(toy.remembered)

    watched = gauge((members, holdouts), tmp_path, 1, target=lambda module: toy, probe=24)
    fit(Theirs(pipeline_folder), tmp_path, Tell(), watched, steps=4)
    assert watched.first_step == 2
    assert watched.sentence.startswith("It memorises from step 2 on: AUROC ")
    assert "memorises from step 2 on" in (tmp_path / "gauge.svg").read_text()
