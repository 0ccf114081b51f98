"""Train one role of a run: everything is checked, then the model is tuned and exported, or found
to be there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L

from lit_clid import console
from lit_clid.commands.dry import dealt, dry_training
from lit_clid.commands.gauge.own import gauge_of
from lit_clid.commands.holding import APART, LOCK, held, refuse_beside
from lit_clid.commands.probe import probe_of
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import split_of
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import check_writable
from lit_clid.models.load import check_target, load_target
from lit_clid.models.tokens import learned_tokens
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.defenses import Defenses, Privacy
from lit_clid.training.exported import finish, finished_model, write_model
from lit_clid.training.facts import training_facts
from lit_clid.training.module import FineTune
from lit_clid.training.preparation import Members, prepare
from lit_clid.training.trainer import (
    checkpoint_steps,
    mixed_precision,
    resume_from,
    training_trainer,
)


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    if config.dry_run:
        config = replace(config, finetune=replace(config.finetune, loggers=[]))
        _check(config)
        planned = plan_training(config, dealt(config, config.target.source), config.trainer)
        dry_training(config, planned.members, planned.trainer.max_steps, planned.remarks)
    else:
        train(config)


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


def log_folder(config: Settings) -> Path:
    """Where the logs and the resumable checkpoint of a role lie."""
    return config.folder / "logs" / config.role


def train(config: Settings) -> None:
    """Tune `target.path` on the members of `config.role`.

    Raises:
        UserError: for anything in the configuration that cannot be done, before training starts;
            if another process works in the run folder, other than on another role, or it cannot
            be written.
    """
    with held(config.folder, f"train-{config.role}"):
        refuse_beside(config.folder, LOCK, APART)
        _train(config)


def _check(config: Settings) -> None:
    """Refuse what can be refused before a split is drawn."""
    check_defenses(config.defenses, config.finetune, config.data, config.trainer)
    check_target(config.target.source).check_group(config.finetune.train)


def _train(config: Settings) -> None:
    options, role, model = config.finetune, config.role, config.folder / config.role
    _check(config)
    split = split_of(config, config.target.source)
    plan = plan_training(config, split, config.trainer)
    trainer = plan.trainer
    target = load_target(config.target.source, channels_last=False, offload=config.target.offload)
    if target.quantised:
        raise UserError(
            f"target.path: the denoiser of {target.source} is quantised, and its weights cannot be "
            "trained; name one that is not"
        )
    facts = training_facts(config, split.fingerprint, target.fingerprint, trainer.world_size)
    for step in checkpoint_steps(options.checkpoints, plan.members, trainer.max_steps).values():
        # of another recipe? then it is refused
        finished_model(checkpoint_folder(config.folder, role, step), facts)
    if finished_model(model, facts):
        console.say(f"{role}: already trained, see {model}")
        return
    if console.is_first_process():
        check_writable(config.folder)
    resumed = resume_from(log_folder(config), facts)
    ready = prepare(
        target,
        Members(split, config.data, role),
        options,
        config.seed,
        facts,
        defenses=plan.defenses,
        privacy=plan.privacy,
        mixed=mixed_precision(config.trainer),
        schedule_steps=config.trainer["max_steps"],
    )
    announce(ready.module, plan, role)
    for line in learned_tokens(config.target.source):
        console.say(f"  {line}")
    console.say_overlong(target.overlong(ready.data.members.captions), plan.members)
    trainer.fit(ready.module, ready.data, ckpt_path=resumed, weights_only=True)
    finish(ready.module, trainer, model, config.plain)
    console.say(f"{role}: exported to {model}")


def announce(module: FineTune, plan: TrainingPlan, role: str) -> None:
    """Say what will be trained, and what the defenses do."""
    steps, privacy = plan.trainer.max_steps, plan.privacy
    console.say(
        f"{role}: tuning {module.trained:,} parameters on {plan.members} members, {steps} steps"
    )
    for remark in plan.remarks:
        console.say(f"  {remark}")
    if privacy is not None:
        noise, spent = privacy.noise_multiplier, privacy.epsilon(steps)
        console.say(f"  dp: σ = {noise:.3g}, ε = {spent:.3g} at δ = {privacy.delta:.2g} when done")
