"""Averages of weights, recomputed by hand."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tuning import FACTS, Stop, recipe, tune, weights

from lit_clid.data.split import Split
from lit_clid.models.load import load_target
from lit_clid.training.module import FineTune
from lit_clid.training.parts import is_fusable


@pytest.mark.slow
def test_the_moving_average_is_exported(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """Recomputed by hand from the weights after each step, warm-up included."""
    history: list[torch.Tensor] = []

    class Watch(Callback):
        def on_train_batch_end(
            self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any
        ) -> None:
            assert isinstance(pl_module, FineTune)
            history.append(next(v for n, v in weights(pl_module).items() if ".attn2.to_v" in n))

    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(validate_every=100), 5, (Watch(),))
    average = history[0]  # the first update copies
    for n, current in enumerate(history[1:], 1):
        average = average + (1 - min(0.9, (1 + n) / (10 + n))) * (current - average)
    exported = next(v for n, v in weights(module).items() if ".attn2.to_v" in n)
    torch.testing.assert_close(exported, average)
    assert not torch.allclose(exported, history[-1])


def test_moving_average_needs_no_copy_of_the_target(pipeline_folder: Path) -> None:
    import copy

    module = FineTune(load_target(str(pipeline_folder)), recipe(), 0, FACTS)
    assert copy.deepcopy(module).target is module.target


@pytest.mark.slow
def test_checkpoint_averaging_is_the_mean(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    history: list[torch.Tensor] = []

    class Watch(Stop):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            history.append(next(v for n, v in weights(pl_module).items() if ".attn2.to_v" in n))

    options = recipe(ema_decay=None, average_from=3, average_every=2, validate_every=100)
    module, _, _ = tune(pipeline_folder, split, tmp_path, options, 8, (Watch(99),))
    exported = next(v for n, v in weights(module).items() if ".attn2.to_v" in n)
    torch.testing.assert_close(exported, (history[2] + history[4] + history[6]) / 3)


def test_what_a_fused_optimiser_would_step_wrongly_is_not_fused() -> None:
    plain = torch.nn.Parameter(torch.zeros(2, 3, 4, 4))
    last = torch.nn.Parameter(plain.detach().to(memory_format=torch.channels_last))
    elsewhere = torch.nn.Parameter(torch.zeros(2, device="meta"))
    assert [is_fusable(each) for each in (plain, last, elsewhere)] == [True, False, False]
