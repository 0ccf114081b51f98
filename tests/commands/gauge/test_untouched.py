"""A gauge leaves no trace in a training, whatever its weights are."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from gauged import Record, Theirs, fit, gauge, records, same, weights
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging

from lit_clid.commands.gauge import callback
from lit_clid.errors import UserError
from lit_clid.judging.gauge import Reading
from lit_clid.models.load import load_target

pytestmark = [
    pytest.mark.slow,
    # half of their module is meant to be in evaluation mode
    pytest.mark.filterwarnings("ignore:Found .* in eval mode"),
]


@pytest.fixture(scope="module")
def known() -> tuple[list[Record], list[Record]]:
    return records(6)


def throwing(module: L.LightningModule) -> Any:
    """The pipeline, by a function that throws dice."""
    torch.rand(3)
    np.random.rand(3)
    return module.pipeline


class Modes(Callback):
    """What each step finds: modes, and who wants a gradient, whose gradients there are."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        modes = [module.training for module in pl_module.modules()]
        wants = [p.requires_grad for p in pl_module.parameters()]
        grads = [p.grad is not None and float(p.grad.sum()) for p in pl_module.parameters()]
        self.found.append((modes, wants, grads))


def trained(
    base: Path, tmp_path: Path, *callbacks: Callback, **options: Any
) -> tuple[Theirs, list[Any]]:
    modes, module = Modes(), Theirs(base)
    fit(module, tmp_path, modes, *callbacks, **options)
    return module, modes.found


@pytest.mark.parametrize("accumulate", [1, 2])
def test_training_is_the_same_to_the_last_bit(
    pipeline_folder: Path, tmp_path: Path, known: Any, accumulate: int
) -> None:
    options = {"accumulate_grad_batches": accumulate}
    alone, before = trained(pipeline_folder, tmp_path, **options)
    watched = gauge(known, tmp_path, 1, target=throwing)
    module, after = trained(pipeline_folder, tmp_path, watched, **options)
    assert [each.step for each in watched.readings] == [0, 1, 2, 3, 4, 5]
    assert module.losses == alone.losses and before == after
    assert same(weights(module), weights(alone))
    assert any(not mode for mode in after[0][0]) and any(after[0][0])


@pytest.mark.parametrize("broken", ["isolate_rng", "untouched"])
def test_that_test_would_see_a_trace(
    pipeline_folder: Path,
    tmp_path: Path,
    known: Any,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    """Without the isolation of the dice, and with modules left in evaluation mode."""

    def careless(target: Any) -> Any:
        for network in target.networks:
            network.eval()
        return torch.no_grad()

    instead: Any = careless if broken == "untouched" else lambda *_, **__: nullcontext()
    monkeypatch.setattr(callback, broken, instead)
    alone, _ = trained(pipeline_folder, tmp_path)
    module, _ = trained(pipeline_folder, tmp_path, gauge(known, tmp_path, 1, target=throwing))
    assert not same(weights(module), weights(alone))


def test_averaged_weights(pipeline_folder: Path, tmp_path: Path, known: Any) -> None:
    alone = Theirs(pipeline_folder)
    fit(alone, tmp_path, EMAWeightAveraging(decay=0.5))
    found: dict[str, list[Reading]] = {}
    for kind in ("trained", "averaged"):
        watched, average = gauge(known, tmp_path, 2, weights=kind), EMAWeightAveraging(decay=0.5)
        module = Theirs(pipeline_folder)
        fit(module, tmp_path, average, watched)
        assert same(weights(module), weights(alone))
        found[kind] = watched.readings
    assert found["trained"][0].auroc == found["averaged"][0].auroc
    assert found["trained"][1].member_loss != found["averaged"][1].member_loss
    folder = tmp_path / "end"  # the exported weights, as the callback hands them over
    module.pipeline.save_pretrained(folder)
    target = load_target(str(folder), channels_last=False)
    assert watched.measure(target, watched._data, 5, "averaged") == found["averaged"][-1]


def test_an_average_that_comes_later_is_not_measured(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    module, watched = Theirs(pipeline_folder), gauge(known, tmp_path, 2, weights="averaged")
    with pytest.raises(UserError, match="stands before the callback that averages weights"):
        fit(module, tmp_path, watched, EMAWeightAveraging(decay=0.5))


def test_half_precision_is_asked_and_put_back(
    pipeline_folder: Path, tmp_path: Path, known: Any
) -> None:
    """Encoders in bfloat16 answer as in float32, and lie where they lay."""
    module, watched = Theirs(pipeline_folder), gauge(known, tmp_path)
    parts = (module.vae.to(torch.bfloat16), module.pipeline.text_encoder.to(torch.bfloat16))
    module.unet.add_module("extra", torch.nn.Linear(2, 2).to(torch.bfloat16))
    tensors = [tensor for part in parts for tensor in part.state_dict().values()]
    places = [(tensor.data_ptr(), tensor.dtype) for tensor in tensors]
    fit(module, tmp_path, watched, steps=1)
    tensors = [tensor for part in parts for tensor in part.state_dict().values()]
    assert [(tensor.data_ptr(), tensor.dtype) for tensor in tensors] == places
    assert module.unet.extra.weight.dtype == torch.bfloat16
    assert len(watched.readings) == 2
