"""The trainer around `FineTune`, and what a checkpoint must agree with before training goes on from it."""

from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from lit_clid.errors import UserError
from lit_clid.finetune.callbacks import SampleGrid, moving_average
from lit_clid.finetune.options import FineTuneOptions
from lit_clid.provenance import refuse_changes
from lit_clid.trainer import make_trainer

CHECKPOINT = "resume.ckpt"


def build_trainer(options: FineTuneOptions, trainer: dict[str, Any], folder: Path, role: str, seed: int) -> L.Trainer:
    """Build the trainer; logs, checkpoints and sample grids go to `folder`. `trainer` goes to it verbatim.

    Training is one Lightning epoch over a stream of `max_steps` · accumulation batches: one bar, exact resuming.
    """
    steps = trainer.get("max_steps", -1)
    if not isinstance(steps, int) or steps < 1:
        raise UserError(f"trainer.max_steps: {steps} is not a positive number of steps; say how long to train")
    accumulate = trainer.get("accumulate_grad_batches", 1)
    callbacks: list[Callback] = []
    if options.samples:
        callbacks.append(SampleGrid(folder / "samples", options.samples, seed))
    if options.ema_decay is not None:
        callbacks.append(moving_average(options.ema_decay))
    callbacks.append(
        ModelCheckpoint(
            folder,
            filename=CHECKPOINT.removesuffix(".ckpt"),
            every_n_train_steps=min(options.save_every, steps),
            save_on_train_epoch_end=False,
            enable_version_counter=False,
        )
    )
    defaults = {
        "max_epochs": -1,
        "check_val_every_n_epoch": None,
        "val_check_interval": min(options.validate_every, steps) * accumulate,
        "log_every_n_steps": min(10, steps * accumulate),
        "num_sanity_val_steps": 0,
        "enable_model_summary": False,
        "use_distributed_sampler": False,  # `TrainingStream` deals the batches out to the ranks
    }
    loggers = [CSVLogger(folder, name="", version="csv"), TensorBoardLogger(folder, name="", version="tensorboard")]
    return make_trainer({**defaults, **trainer, "logger": loggers}, f"training {role}", *callbacks)


def resume_from(folder: Path, facts: dict[str, Any]) -> Path | None:
    """The checkpoint to go on from, or None.

    Raises:
        UserError: if the checkpoint belongs to another configuration or does not load.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True).get("facts", {})
    except Exception as error:  # torch raises many kinds for a broken file
        raise UserError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0][:120]}); delete it") from None
    refuse_changes(found, facts, str(path))
    return path
