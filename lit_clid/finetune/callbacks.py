"""What happens around training: the moving average and the sample grids."""

from pathlib import Path

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
