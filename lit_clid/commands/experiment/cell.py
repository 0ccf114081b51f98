"""One cell carried out: trained where missing, audited at every stop, its utility measured."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lit_clid import console
from lit_clid.about import read_about
from lit_clid.auditing import utility
from lit_clid.auditing.claims import answered
from lit_clid.auditing.lineage import Model, find_reference
from lit_clid.auditing.losses import UTILITY
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import REFERENCE
from lit_clid.commands.audit import audit
from lit_clid.commands.experiment.plan import Job, held_out_loss, refuse_stale
from lit_clid.commands.reading import Settings
from lit_clid.commands.train import checkpoint_folder, train
from lit_clid.config.options.experiment import UtilityOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.data.records import RecordSet
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.files import read_json, write_json
from lit_clid.models.note import read_note
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.samples import draw_samples
from lit_clid.training.trainer import checkpoint_steps

REPORT = "utility.report.json"
"""What was measured of a final model's samples, beside the tables."""


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
    if target.is_dir() and find_reference(str(target), config.audit.reference)[0]:
        names = config.audit.reference_attacks
        asked = attacks if names is None else {name: attacks[name] for name in names}
        wanted |= {REFERENCE[role]: asked for role in job.roles if asked}
    tables = {name: stage.scores / f"{name}.parquet" for name in wanted}
    for name, path in tables.items():
        if not answered(path, wanted[name], split, config.audit, config.seed):
            return False
    note = read_about(tables["target"]).training
    refuse_stale(note, config, split, str(tables["target"]))
    return not stage.final or _sampled(stage.scores / REPORT, config.utility)


def carry_out(job: Job) -> None:
    """Do what is missing of a cell."""
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
    models = {role: Model(str(path)) for role, path in stage.model.items()}
    more = {UTILITY: held_out_loss(config.utility)}
    audited = audit(config, config.attacks, split, models, stage.scores, more)
    if (
        stage.final
        and console.is_first_process()
        and not _sampled(stage.scores / REPORT, config.utility)
    ):
        _sample(audited.target, config, split, stage.scores)


def _options(options: UtilityOptions) -> dict[str, Any]:
    """What a report on samples depends on."""
    return {key: value for key, value in asdict(options).items() if key not in ("t", "draws")}


def _sampled(report: Path, options: UtilityOptions) -> bool:
    return report.is_file() and read_json(report)["options"] == _options(options)


def _sample(target: PipelineTarget, config: Settings, split: Split, folder: Path) -> None:
    """Draw samples and grade them; one process does it."""
    options = config.utility
    report: dict[str, Any] = {"options": _options(options)}
    if options.samples:
        target.to(
            torch.device("cuda", torch.cuda.current_device())
            if _on_gpu(config)
            else torch.device("cpu")
        )
        side = target.side(config.data.resolution)
        data = CaptionedImages(
            split, config.data, "target", seed=config.seed, side=side, batch_size=16
        )
        console.say(
            f"samples: {min(options.samples, len(data.holdouts))} images, {options.sampling_steps} "
            "steps each"
        )
        holdouts, count = data.holdouts, options.samples
        made = draw_samples(
            target,
            [entry.id for entry in holdouts.entries[:count]],
            holdouts.captions[:count],
            side,
            config.seed,
            options.sampling_steps,
            options.guidance,
        )
        if options.sheet:
            made.sheet(options.sheet).save(folder / "samples.png")
        if options.features is not None:
            features = utility.features_named(options.features, target, side)
            if not isinstance(features, int):
                features.to(target.device)

            others = torch.cat(list(_real(data.known, len(made.images))))
            for key, images in (("frechet", made.images), ("frechet_of_members_images", others)):
                real = _real(data.holdouts, len(data.holdouts))
                report[key] = utility.frechet_distance(features, real, images.to(target.device))
        if options.alignment is not None:
            report["clip_score"] = utility.clip_score(options.alignment, target.device)(
                made.images, made.captions
            )
    write_json(folder / REPORT, report)


def _real(records: RecordSet, count: int) -> Iterator[torch.Tensor]:
    """Batches of the first images (B, 3, H, W) in [0, 1]."""
    rows = range(min(count, len(records)))
    for k in range(0, len(rows), 16):
        yield (records.images(rows[k : k + 16]) + 1) / 2


def _on_gpu(config: Settings) -> bool:
    return torch.cuda.is_available() and config.trainer.get("accelerator", "auto") in (
        "auto",
        "gpu",
        "cuda",
    )
