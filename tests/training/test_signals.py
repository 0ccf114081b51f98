"""Told to stop by a scheduler: the step is finished and kept, and the exit code says so."""

import os
import signal
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tuning import recipe, tune, weights

from lit_clid import console
from lit_clid.data.split import Split
from lit_clid.training.callbacks import STOPPING, ResumePoint

pytestmark = pytest.mark.slow


class Signal(Callback):
    """Sends this process a signal in the middle of a step."""

    def __init__(self, step: int, number: int) -> None:
        self.step, self.number, self.sent = step, number, False

    def on_before_backward(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step and not self.sent:
            self.sent = True
            os.kill(os.getpid(), self.number)


def exit_code(main: Any) -> object:
    with pytest.raises(SystemExit) as end:
        console.run(main, [], str)
    return end.value.code


@pytest.mark.parametrize("number", STOPPING)
@pytest.mark.parametrize("step", [1, 4])
def test_the_step_it_came_in_is_the_last_and_is_kept(
    pipeline_folder: Path, split: Split, tmp_path: Path, number: int, step: int
) -> None:
    """Step 4 is validated after its end."""
    options, before = recipe(save_every=100), signal.getsignal(number)
    more = {"accumulate_grad_batches": 2 if step == 1 else 1}
    whole, _, _ = tune(pipeline_folder, split, tmp_path / "whole", options, 7, **more)
    given = pipeline_folder, split, tmp_path / "cut", options, 7
    told = exit_code(lambda _: tune(*given, (Signal(step - 1, number),), **more))
    assert told == (143 if number == signal.SIGTERM else 130)
    assert signal.getsignal(number) is before
    kept = torch.load(tmp_path / "cut" / "resume.ckpt", weights_only=True)
    assert kept["global_step"] == step
    rest, _, seen = tune(*given, **more)
    assert len(seen.batches) == (7 - step) * more["accumulate_grad_batches"]
    for found, expected in zip(weights(rest).values(), weights(whole).values(), strict=True):
        assert torch.equal(found, expected)


def test_in_the_last_step_the_model_comes_first(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    steps: list[int] = []

    def main(_: object) -> None:
        last = (Signal(5, signal.SIGTERM),)
        _, trainer, _ = tune(pipeline_folder, split, tmp_path, recipe(), 6, last)
        steps.append(trainer.global_step)
        (point,) = [each for each in trainer.callbacks if isinstance(each, ResumePoint)]
        point.stop_if_told()

    assert exit_code(main) == 143
    assert steps == [6]
