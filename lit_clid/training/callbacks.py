"""What happens around training: the resumable checkpoint, models exported on the way, sample
grids.
"""

import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger

from lit_clid.errors import UserError
from lit_clid.files import settle, whole, writing
from lit_clid.models.samples import draw_samples
from lit_clid.training.averaging import Averaging
from lit_clid.training.module import FineTune
from lit_clid.training.sharded import ShardedAverage, ShardedFineTune

STOPPING = (signal.SIGTERM, signal.SIGINT)
"""Signals after which training is to be gone on with later."""
WriteModel = Callable[[FineTune, L.Trainer, int], None]
"""(module, trainer, optimiser step): exports the module as it is."""


class Divergence(Callback):
    """Ends training at the step whose loss is not a finite number, before anything is saved.

    It must stand before all callbacks that save. A gradient that overflows in half precision is the
    loss scaler's business; a loss that does is divergence.
    """

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        loss = trainer.callback_metrics.get("train_loss")
        if loss is not None and not torch.isfinite(loss):
            raise UserError(
                f"training diverged: at step {trainer.global_step} the loss is {float(loss)}; "
                "nothing is exported; lower finetune.learning_rate, or clip with "
                "trainer.gradient_clip_val, and give the run another name=…"
            )


class Resting(Callback):
    """Encoders whose answers are all kept leave the device, except while they are asked; those
    that a validation asks stay for all of it.
    """

    def __init__(self) -> None:
        self._awake = ExitStack()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, FineTune)
        if pl_module.encodings.complete:
            pl_module.target.rest()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, FineTune)
        self._awake.enter_context(pl_module.target.awake())

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._awake.close()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        self._awake.close()


class ResumePoint(Callback):
    """Saves the one checkpoint that training goes on from: between optimiser steps only, and whole
    or not at all.

    The last step is not saved, for the export follows it; so a resumed run always ends with a step
    of its own, after which `WeightAveraging` hands over the average. A step that is validated is
    saved after its validation, so that what the validation decided is kept. It must stand behind
    all callbacks whose state it saves.

    Told to stop by SIGTERM or Ctrl-C, training ends after the step it is in, which is saved. A
    second signal ends it at once. In the last step it goes on to the export: see `stop_if_told`.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every, self._saved = path, every, -1
        self._told: int | None = None
        self._outer = {number: signal.getsignal(number) for number in STOPPING}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if current_thread() is main_thread():  # no other may take signals
            for number in STOPPING:  # from Lightning, which would end in the middle of a step
                signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._told = number
        self._forget()

    def _forget(self) -> None:
        """Give the signals back to whoever had them before training."""
        if current_thread() is main_thread():
            for number, handler in self._outer.items():
                signal.signal(number, handler)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._forget()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        self._forget()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        batches = trainer.fit_loop.epoch_loop.batch_progress.current.ready
        validated = trainer.val_check_batch is not None and batches % trainer.val_check_batch == 0
        if batches % trainer.accumulate_grad_batches == 0 and not validated:
            self._save(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.sanity_checking and not trainer.should_stop:
            self._save(trainer)

    def _save(self, trainer: L.Trainer) -> None:
        step, stops = trainer.global_step, self._any_told(trainer)
        due = stops or step % self.every == 0
        if due and 0 < step < trainer.max_steps and step != self._saved:
            assert isinstance(trainer.lightning_module, FineTune)
            trainer.lightning_module.refuse_diverged(step)
            self._saved = step
            part = self.path.with_suffix(".part")
            with writing(self.path, part):
                trainer.save_checkpoint(part)
                if trainer.is_global_zero:
                    settle(part)
                    part.replace(self.path)
            trainer.strategy.barrier()
        if stops and step < trainer.max_steps:
            self.stop()

    def _any_told(self, trainer: L.Trainer) -> bool:
        """Whether any process was told to stop, so that all save the same step."""
        told = self._told is not None
        if trainer.world_size > 1:
            told = trainer.strategy.reduce_boolean_decision(told, all=False)
        return told

    def stop(self) -> None:
        """End as the signal would have ended it."""
        self._forget()
        signal.raise_signal(self._told or signal.SIGTERM)

    def stop_if_told(self) -> None:
        """The same if a signal came in the last step of training, once its model is exported."""
        if self._told is not None:
            self.stop()


class ExportOnTheWay(Callback):
    """Exports the (averaged) model after given optimiser steps; it must stand behind the averaging
    callback.

    Args:
        steps: after which to export; the last step of training is exported by its script.
        averaging: callback that holds the averaged weights, if there is one.
        write: exports the module as it is after a step.
    """

    def __init__(
        self,
        steps: Sequence[int],
        averaging: Averaging | ShardedAverage | None,
        write: WriteModel,
    ) -> None:
        self.steps, self.averaging, self.write, self._done = frozenset(steps), averaging, write, -1

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        if step in self.steps and step != self._done:
            self._done = step
            with nullcontext() if self.averaging is None else self.averaging.averaged(pl_module):
                assert isinstance(pl_module, FineTune)
                self.write(pl_module, trainer, step)


class SampleGrid(Callback):
    """At every validation draws the first hold-outs' captions from fixed noise, with the averaged
    weights.

    It must stand before `WeightAveraging` in the list of callbacks, which puts the trained weights
    back.
    """

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.folder, self.count, self.seed = folder, count, seed

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, FineTune)
        shared = isinstance(pl_module, ShardedFineTune)  # then all processes draw
        if trainer.sanity_checking or not (shared or trainer.is_global_zero):
            return
        records = trainer.datamodule.holdouts  # type: ignore[attr-defined]
        ids = [entry.id for entry in records.entries[: self.count]]
        captions, side = records.captions[: self.count], records.side
        drawn = draw_samples(pl_module.target, ids, captions, side, self.seed)
        if not trainer.is_global_zero:
            return
        sheet = drawn.sheet(self.count)
        with whole(self.folder / f"step-{trainer.global_step:07d}.png") as part:
            sheet.save(part, format="PNG")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                pixels = torch.from_numpy(np.array(sheet))
                logger.experiment.add_image(
                    "samples", pixels, trainer.global_step, dataformats="HWC"
                )
