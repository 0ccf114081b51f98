"""A training of somebody else's: a plain LightningModule around the parts of a pipeline."""

import random
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from lit_clid import MembershipGauge
from lit_clid.commands.gauge.callback import Gauge
from lit_clid.config.options.data import DataOptions
from lit_clid.data.sources import open_source
from lit_clid.models.quiet import quiet_imports

Record = tuple[Image.Image, str]


def records(count: int) -> tuple[list[Record], list[Record]]:
    """So many members and hold-outs, drawn."""
    source = open_source(DataOptions(members=count, nonmembers=count))
    pairs = [(source.open_image(row), source.captions[row]) for row in range(2 * count)]
    return pairs[:count], pairs[count:]


def gauge(known: Any, folder: Path | None, every: int = 2, **options: Any) -> Gauge:
    wanted = {"probe": 6, "folder": folder, **options}
    return MembershipGauge(*known, every_n_steps=every, **wanted)


class Theirs(L.LightningModule):
    """Denoises noise, with every kind of dice: dropout's, PyTorch's, NumPy's and Python's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        with quiet_imports():
            from diffusers import StableDiffusionPipeline

            whole = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
        self.pipeline = whole
        self.unet = whole.unet.train()
        self.unet.mid_block.eval()
        self.vae = whole.vae.requires_grad_(False).eval()
        self.dropout = torch.nn.Dropout(0.5)
        for module in self.unet.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.5
        self.losses: list[float] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        (z,) = batch
        width = self.pipeline.text_encoder.config.hidden_size
        t = torch.randint(1000, (len(z),))
        text = torch.zeros(len(z), 4, width) + random.random() + float(np.random.rand())
        out = self.dropout(self.unet(z + torch.randn_like(z), t, text).sample)
        loss = (out - z).square().mean()
        self.losses.append(float(loss.detach()))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.unet.parameters(), 1e-3)


def fit(
    module: Theirs, folder: Path, *callbacks: Callback, steps: int = 5, **options: Any
) -> L.Trainer:
    """Train it: batches of two of eight latents, shuffled."""
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    shape = module.unet.config
    size = (8, shape.in_channels, shape.sample_size, shape.sample_size)
    data = TensorDataset(torch.randn(size, generator=torch.Generator().manual_seed(0)))
    resumed = options.pop("ckpt_path", None)
    wanted: dict[str, Any] = {
        "max_steps": steps,
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "default_root_dir": folder,
        "log_every_n_steps": 1,
        **options,
    }
    trainer = L.Trainer(**wanted, callbacks=list(callbacks))
    loader = DataLoader(data, batch_size=2, shuffle=True)
    trainer.fit(module, loader, ckpt_path=resumed, weights_only=True)
    return trainer


def weights(module: Theirs) -> list[Tensor]:
    return [value.detach().clone() for value in module.state_dict().values()]


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    """True if all are the same to the last bit."""
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
