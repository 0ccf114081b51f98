"""What a training takes, the model aside: its trainer, its defenses, where its files lie."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L

from lit_clid.commands.gauge.own import gauge_of
from lit_clid.commands.probe import probe_of
from lit_clid.commands.reading import Settings
from lit_clid.data.split import Split
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.defenses import Defenses, Privacy
from lit_clid.training.exported import write_model
from lit_clid.training.module import FineTune
from lit_clid.training.trainer import training_trainer


def log_folder(config: Settings) -> Path:
    """Where the logs and the resumable checkpoint of a role lie."""
    return config.folder / "logs" / config.role


def checkpoint_folder(folder: Path, role: str, step: int) -> Path:
    """Where the model of a role after an optimiser step is exported."""
    return folder / "checkpoints" / role / f"step-{step:07d}"


@dataclass(frozen=True)
class TrainingPlan:
    """What a role will be trained with.

    Args:
        defenses: that were chosen.
        members: how many are trained on.
        trainer: built from `trainer:`.
        remarks: what each defense does, and what it switches off.
        privacy: what private training spends; None trains openly.
    """

    defenses: Defenses
    members: int
    trainer: L.Trainer
    remarks: list[str]
    privacy: Privacy | None


def plan_training(config: Settings, split: Split, trainer: dict[str, Any]) -> TrainingPlan:
    """Build what training `config.role` on its split takes, the model aside.

    Raises:
        UserError: for what cannot be trained so.
    """
    options, members, role = config.finetune, len(split.require(config.role)), config.role
    defenses, seed = config.defenses, config.seed

    def write(module: FineTune, trainer: L.Trainer, step: int) -> None:
        folder = checkpoint_folder(config.folder, role, step)
        write_model(module, trainer, folder, config.plain)

    built = training_trainer(
        options,
        trainer,
        log_folder(config),
        role,
        seed,
        defenses,
        members,
        probe=probe_of(defenses, seed),
        write=write,
        gauge=gauge_of(config, split),
    )
    remarks = check_defenses(defenses, options, config.data, config.trainer, built.world_size)
    privacy = None
    if defenses.dp is not None:
        privacy = defenses.dp.plan(members, options.batch_size, built.max_steps)
    return TrainingPlan(defenses, members, built, remarks, privacy)
