"""Train one role of a run: everything is checked, then the model is tuned and exported, or found
to be there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L

from lit_clid import console
from lit_clid.commands.probe import probe_of
from lit_clid.commands.reading import Settings, read
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.models.load import load_target
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.defenses import Defenses, Privacy
from lit_clid.training.exported import finish, finished_model, write_model
from lit_clid.training.facts import training_facts
from lit_clid.training.module import FineTune
from lit_clid.training.trainer import (
    checkpoint_steps,
    export_on_the_way,
    resume_from,
    training_trainer,
)


def main(arguments: Sequence[str]) -> None:
    train(read(arguments))


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
    options, members = config.finetune, len(split.require(config.role))
    defenses, seed, logs = config.defenses, config.seed, log_folder(config)
    probe = probe_of(defenses, seed)
    built = training_trainer(options, trainer, logs, config.role, seed, defenses, members, probe)
    remarks = check_defenses(defenses, options, config.data, config.trainer, built.world_size)
    privacy = (
        None
        if defenses.dp is None
        else defenses.dp.plan(members, options.batch_size, built.max_steps)
    )
    return TrainingPlan(defenses, members, built, remarks, privacy)


def log_folder(config: Settings) -> Path:
    """Where the logs and the resumable checkpoint of a role lie."""
    return config.folder / "logs" / config.role


def train(config: Settings) -> None:
    """Tune `target.path` on the members of `config.role`.

    Raises:
        UserError: for anything in the configuration that cannot be done, before training starts.
    """
    options, role, model = config.finetune, config.role, config.folder / config.role
    # before a split is drawn
    check_defenses(config.defenses, options, config.data, config.trainer)
    split = load_split(config.data, config.seed, config.folder)
    plan = plan_training(config, split, config.trainer)
    trainer, privacy = plan.trainer, plan.privacy
    steps = checkpoint_steps(options.checkpoints, plan.members, trainer.max_steps)
    target = load_target(config.target.path, variant=config.target.variant, channels_last=False)
    facts = training_facts(config, split.fingerprint, target.fingerprint, trainer.world_size)
    for step in steps.values():
        finished_model(
            checkpoint_folder(config.folder, role, step), facts
        )  # of another recipe? then it is refused
    if finished_model(model, facts):
        console.say(f"{role}: already trained, see {model}")
        return
    resumed = resume_from(log_folder(config), facts)
    side = target.side(config.data.resolution)
    data = CaptionedImages(
        split, config.data, role, seed=config.seed, side=side, batch_size=options.batch_size
    )
    module = FineTune(target, options, config.seed, facts, plan.defenses, privacy)
    module.schedule_steps = config.trainer["max_steps"]
    module.prepare(data)
    export_on_the_way(
        trainer,
        tuple(steps.values()),
        lambda step: write_model(
            module, trainer, checkpoint_folder(config.folder, role, step), config.plain
        ),
    )
    console.say(
        f"{role}: tuning {module.trained:,} parameters on {plan.members} members, "
        f"{trainer.max_steps} steps"
    )
    for remark in plan.remarks:
        console.say(f"  {remark}")
    if privacy is not None:
        spent = privacy.epsilon(trainer.max_steps)
        console.say(
            f"  dp: σ = {privacy.noise_multiplier:.3g}, ε = {spent:.3g} at δ = {privacy.delta:.2g} "
            f"when done"
        )
    console.say_overlong(target.overlong(data.members.captions), plan.members)
    trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
    finish(module, trainer, model, config.plain)
    console.say(f"{role}: exported to {model}")
