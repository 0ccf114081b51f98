"""One cell carried out: trained where missing, audited at every stop, its utility measured."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lit_clid import console
from lit_clid.about import read_about
from lit_clid.auditing.claims import answered
from lit_clid.auditing.lineage import Model, find_reference
from lit_clid.auditing.losses import UTILITY
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import REFERENCE
from lit_clid.auditing.utility.samples import is_reported, report_samples
from lit_clid.commands.audit import audit
from lit_clid.commands.experiment.plan import Job, held_out_loss, refuse_stale
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings
from lit_clid.commands.splits import on_gpu
from lit_clid.commands.train import train
from lit_clid.commands.trainings import checkpoint_folder
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.models.note import read_note
from lit_clid.models.target import Target
from lit_clid.source import Source
from lit_clid.training.trainer import checkpoint_steps


@dataclass(frozen=True)
class Stage:
    """A model of a cell: at a checkpoint, or at the end.

    Args:
        step: optimiser step of a checkpoint; None for the end.
        model: its folder, by role.
        scores: folder of its tables.
    """

    step: int | None
    model: dict[str, Path]
    scores: Path

    @property
    def final(self) -> bool:
        return self.step is None


def stages(job: Job) -> Iterator[Stage]:
    """The checkpoints of a cell in rising order, reached or not, then its end."""
    folder, members = job.config.folder, len(job.split.require("target"))
    for step in checkpoint_steps(job.config.finetune.checkpoints, members).values():
        models = {role: checkpoint_folder(folder, role, step) for role in job.roles}
        yield Stage(step, models, folder / "checkpoints" / "scores" / f"step-{step:07d}")
    yield Stage(None, {role: folder / role for role in job.roles}, folder / "scores")


def is_done(stage: Stage, job: Job) -> bool:
    """True if every table of a stage answers what is asked now.

    Raises:
        UserError: if its model was trained by another configuration.
    """
    config, split = job.config, job.split
    attacks = config.attacks
    wanted: dict[str, Mapping[str, Signals]] = dict.fromkeys(job.roles, attacks)
    wanted[UTILITY] = {UTILITY: held_out_loss(config.utility)}
    target = stage.model["target"]
    named = config.audit.reference, config.audit.variant, config.target.config
    if target.is_dir() and find_reference(str(target), *named)[0]:
        asked = {name: attacks[name] for name in config.audit.of_reference(attacks)}
        wanted |= {REFERENCE[role]: asked for role in job.roles if asked}
    tables = {name: stage.scores / f"{name}.parquet" for name in wanted}
    for name, path in tables.items():
        if not answered(path, wanted[name], split, config.audit, config.seed):
            return False
    note = read_about(tables["target"]).training
    refuse_stale(note, config, split, str(tables["target"]))
    return not stage.final or is_reported(stage.scores, config.utility)


def carry_out(job: Job) -> None:
    """Do what is missing of a cell."""
    with held(job.config.folder):
        _carry_out(job)


def _carry_out(job: Job) -> None:
    config = job.config
    todo = [stage for stage in stages(job) if not is_done(stage, job)]
    if todo and not all((config.folder / role).is_dir() for role in job.roles):
        for role in job.roles:
            train(replace(config, role=role))
    missing: list[str] = []
    for stage in todo:
        if all(model.is_dir() for model in stage.model.values()):
            _audit(stage, config, job.split)
        elif stage.step is not None:
            ended = min(_ended_at(config.folder / role) for role in job.roles)
            if stage.step < ended:
                missing.append(str(stage.step))
    if missing:
        raise UserError(
            f"{config.folder}: no model of step {few(missing)} was exported in training; delete "
            "the folder to train the cell again, or leave the checkpoint out"
        )
    if config.grid.keep == "last" and console.is_first_process():
        for role in job.roles:
            shutil.rmtree(config.folder / "checkpoints" / role, ignore_errors=True)


def _ended_at(model: Path) -> int:
    """The last step of the run that exported a model.

    It may have reached fewer checkpoints than others.
    """
    note = read_note(str(model))
    return 0 if note is None else note.ended_at


def _audit(stage: Stage, config: Settings, split: Split) -> None:
    models = {role: Model(Source(str(path))) for role, path in stage.model.items()}
    more = {UTILITY: held_out_loss(config.utility)}
    audited = audit(config, split, models, stage.scores, more)
    if not stage.final or is_reported(stage.scores, config.utility):
        return
    if console.is_first_process():
        _report(audited.targets[models["target"]], config, split, stage.scores)


def _report(target: Target, config: Settings, split: Split, folder: Path) -> None:
    """Have the samples graded, on the card where there is one."""
    if config.utility.samples and on_gpu(config):
        target.to(torch.device("cuda", torch.cuda.current_device()))
    elif config.utility.samples:
        target.to(torch.device("cpu"))
    side = target.side(config.data.resolution)
    data = CaptionedImages(split, config.data, "target", seed=config.seed, side=side, batch_size=1)
    report_samples(target, data, config.utility, folder)
