"""The trainer around `FineTune`, and what a checkpoint must agree with before training goes on
from it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from lit_clid.about import Facts
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.config.trainer import make_trainer
from lit_clid.errors import UserError, first_line
from lit_clid.provenance import refuse_changes
from lit_clid.training.averaging import Averaging, averaging
from lit_clid.training.callbacks import (
    Divergence,
    ExportOnTheWay,
    Resting,
    ResumePoint,
    SampleGrid,
    WriteModel,
)
from lit_clid.training.contradictions import check_sharded
from lit_clid.training.defenses import Defenses, EarlyStopping, PrivacyBudget, StepBudget
from lit_clid.training.kept import Probe, stopping_callbacks
from lit_clid.training.loggers import make_loggers
from lit_clid.training.sharded import SHARED, Sharded, ShardedAverage, is_sharded

PATIENCE = timedelta(hours=6)
"""How long processes wait for one that encodes, exports, or merges an experiment's answers."""
CHECKPOINT = "resume.ckpt"
REFUSED = (
    "limit_train_batches",
    "overfit_batches",
    "max_time",
    "max_epochs",
    "min_epochs",
    "min_steps",
    "fast_dev_run",
    "enable_checkpointing",
    "use_distributed_sampler",
    "reload_dataloaders_every_n_epochs",
)
"""Trainer options that would train on other members, or for another time, than the run claims."""
VALIDATING = ("val_check_interval", "limit_val_batches", "check_val_every_n_epoch")
"""Trainer options that change which validations there are."""
PRECISIONS = {
    "32": None,
    "32-true": None,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}
"""Of training, and the half precision of its autocast."""


def training_trainer(
    options: FineTuneOptions,
    trainer: dict[str, Any],
    folder: Path,
    role: str,
    seed: int,
    defenses: Defenses | None = None,
    members: int = 0,
    probe: Probe | None = None,
    write: WriteModel | None = None,
    gauge: Callback | None = None,
) -> L.Trainer:
    """Build the trainer; logs, the checkpoint and sample grids go to `folder`. `trainer` goes to it
    verbatim.

    Training is one Lightning epoch over a stream of `max_steps` · accumulation batches: one bar,
    exact resuming.

    Args:
        defenses: those that stop training are the trainer's business.
        members: how many there are, for a budget of steps per image.
        probe: that a privacy budget asks.
        write: exports the model at each of `options.checkpoints`; None exports at none.
        gauge: watches the training, behind the average and before its state is saved.
    """
    defended = defenses or Defenses()
    steps, accumulate = check_steps(trainer)
    if defended.stops_on_validation:
        validating = [key for key in VALIDATING if key in trainer]
        if validating:
            raise UserError(
                f"trainer.{validating[0]}: decides when a stopping defense stops; use "
                "finetune.validate_every instead"
            )
    budget = defended.one(StepBudget)
    if budget is not None:
        steps = min(steps, budget.steps(members))
    if options.average_from is not None and options.average_from > steps:
        raise UserError(
            f"finetune.average_from: {options.average_from} lies beyond the last step, {steps}"
        )
    callbacks: list[Callback] = [Divergence(), Resting()]
    if options.samples:
        callbacks.append(SampleGrid(folder / "samples", options.samples, seed))
    callbacks += stopping_callbacks(defended.one(EarlyStopping), defended.one(PrivacyBudget), probe)
    if is_sharded(trainer):
        check_sharded(trainer, defended, gauged=gauge is not None)
    average = _average(options, trainer)
    if average is not None:
        callbacks.append(average)
    if write is not None:
        stops = checkpoint_steps(options.checkpoints, members)
        callbacks.append(ExportOnTheWay(tuple(stops.values()), average, write))
    if gauge is not None:
        callbacks.append(gauge)
    callbacks.append(ResumePoint(folder / CHECKPOINT, options.save_every))
    defaults = {
        "max_epochs": -1,
        "check_val_every_n_epoch": None,
        "val_check_interval": min(options.validate_every, steps) * accumulate,
        "log_every_n_steps": min(10, steps * accumulate),
        "num_sanity_val_steps": 0,
        "inference_mode": False,  # what a network caches while it is validated, training uses too
        "enable_model_summary": False,
        "enable_checkpointing": False,  # `ResumePoint` does it
        "use_distributed_sampler": False,  # `TrainingStream` deals the batches out to the ranks
    }
    wanted = {
        **defaults,
        **trainer,
        **({"strategy": Sharded(PATIENCE)} if is_sharded(trainer) else {}),
        "max_steps": steps,
        "logger": make_loggers(options.loggers, folder),
    }
    return make_trainer(wanted, f"training {role}", *callbacks, every=20, patience=PATIENCE)


def _average(
    options: FineTuneOptions, trainer: Mapping[str, Any]
) -> Averaging | ShardedAverage | None:
    rule = averaging(options)
    return ShardedAverage(rule) if rule is not None and is_sharded(trainer) else rule


def checkpoint_steps(
    checkpoints: Sequence[float], members: int, last: int | None = None
) -> dict[float, int]:
    """Optimiser step of each checkpoint, given in steps per image.

    Args:
        last: step that none may lie beyond; None lets all be.

    Raises:
        UserError: if one lies beyond the last step, or two fall on one step.
    """
    steps = {each: max(1, round(each * members)) for each in checkpoints}
    beyond = [each for each, step in steps.items() if last is not None and step > last]
    if beyond:
        raise UserError(
            f"finetune.checkpoints: {beyond[0]:g} steps per image of {members} members are step "
            f"{steps[beyond[0]]}, but training ends at step {last}; leave it out or raise "
            "trainer.max_steps"
        )
    if len(set(steps.values())) < len(steps):
        raise UserError(
            f"finetune.checkpoints: two of {list(checkpoints)} fall on one step; leave one out"
        )
    return steps


def mixed_precision(trainer: Mapping[str, Any]) -> torch.dtype | None:
    """The half precision that `trainer:` names; None if it names none."""
    return PRECISIONS.get(str(trainer.get("precision", "32")))


def check_steps(trainer: Mapping[str, Any]) -> tuple[int, int]:
    """Steps and accumulation.

    Raises:
        UserError: for what would make a run untrue.
    """
    refused = [key for key in REFUSED if key in trainer]
    if refused:
        raise UserError(
            f"trainer.{refused[0]}: not allowed, it changes what is trained on; use "
            "trainer.max_steps"
        )
    if str(trainer.get("precision", "32-true")) not in PRECISIONS:
        raise UserError(
            f"trainer.precision: {trainer['precision']!r} is not one of {', '.join(PRECISIONS)}"
        )
    found = []
    for key, default in (("max_steps", None), ("accumulate_grad_batches", 1)):
        value = trainer.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(f"trainer.{key}: {value!r} is not a positive whole number")
        found.append(value)
    return found[0], found[1]


def resume_from(folder: Path, facts: Facts, sharded: bool = False) -> Path | None:
    """The checkpoint to go on from, or None.

    Args:
        sharded: whether processes share the model.

    Raises:
        UserError: if the checkpoint belongs to another configuration, or is damaged.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with ZipFile(path) as archive:  # torch does not look at the checksums that it wrote
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is not what was written")
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch raises many kinds for a broken file
        raise UserError(
            f"{path}: not a readable checkpoint ({first_line(error)}); delete it, and training "
            "starts from the beginning, or restore it"
        ) from None
    refuse_changes(found.get("facts", {}), facts.as_json(), str(path))
    if found.get(SHARED, False) != sharded:
        raise UserError(
            f"{path}: its optimiser was {'not ' if sharded else ''}shared by processes; go on with "
            "the trainer.strategy that it was written with, or delete it to start again"
        )
    return path
