"""What happens around training: the moving average and the sample grids."""

from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor

from lit_clid.finetune.module import FineTune
from lit_clid.randomness import noise


def moving_average(decay: float) -> WeightAveraging:
    """Lightning's weight averaging as an EMA with warm-up: the decay is min(decay, (1 + n) / (10 + n)) at update n."""

    @torch.no_grad()
    def update(average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        n = int(count)
        torch._foreach_lerp_(average, current, 1 - min(decay, (1 + n) / (10 + n)))

    return WeightAveraging(use_buffers=False, multi_avg_fn=update)


class ResumePoint(Callback):
    """Saves the one checkpoint that training goes on from: between optimiser steps only, and whole or not at all.

    The last step is not saved, for the export follows it; so a resumed run always ends with a step of its own, after
    which `WeightAveraging` hands over the average. It must stand behind `WeightAveraging` in the list of callbacks.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every, self._saved = path, every, -1

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        step, batches = trainer.global_step, trainer.fit_loop.epoch_loop.batch_progress.current.ready
        between_steps = batches % trainer.accumulate_grad_batches == 0
        if between_steps and step % self.every == 0 and 0 < step < trainer.max_steps and step != self._saved:
            self._saved = step
            part = self.path.with_suffix(".part")
            trainer.save_checkpoint(part)
            if trainer.is_global_zero:
                part.replace(self.path)
            trainer.strategy.barrier()


class SampleGrid(Callback):
    """At every validation draws the first hold-outs' captions from fixed noise, with the averaged weights.

    It must stand before `WeightAveraging` in the list of callbacks, which puts the trained weights back.
    """

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.folder, self.count, self.seed = folder, count, seed

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, FineTune)
        target, records = pl_module.target, trainer.datamodule.holdouts  # type: ignore[attr-defined]
        rows = range(min(self.count, len(records)))
        shape = target.latent_shape(records.image(0)[None])
        start = noise(self.seed, [records.entries[row].id for row in rows], "sample", shape)
        images = target.sample([records.captions[row] for row in rows], start)
        sheet = Image.new("RGB", (images[0].width * len(images), images[0].height))
        for k, image in enumerate(images):
            sheet.paste(image, (k * image.width, 0))
        self.folder.mkdir(parents=True, exist_ok=True)
        sheet.save(self.folder / f"step-{trainer.global_step:07d}.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                pixels = torch.frombuffer(bytearray(sheet.tobytes()), dtype=torch.uint8)
                pixels = pixels.view(sheet.height, sheet.width, 3)
                logger.experiment.add_image("samples", pixels, trainer.global_step, dataformats="HWC")
