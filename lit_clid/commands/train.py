"""Train one role of a run: everything is checked, then the model is tuned and exported, or found
to be there.
"""

from collections.abc import Sequence
from dataclasses import replace

from lit_clid import console
from lit_clid.commands.checking import check
from lit_clid.commands.dry import dealt, dry_training
from lit_clid.commands.holding import APART, LOCK, held, refuse_beside
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import split_of
from lit_clid.commands.trainings import (
    TrainingPlan,
    checkpoint_folder,
    log_folder,
    plan_training,
)
from lit_clid.errors import UserError
from lit_clid.files import check_writable
from lit_clid.models.denoiser import give_back
from lit_clid.models.load import check_target, load_target
from lit_clid.models.tokens import learned_tokens
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.exported import finish, finished_model
from lit_clid.training.facts import training_facts
from lit_clid.training.module import FineTune
from lit_clid.training.preparation import Members, prepare
from lit_clid.training.sharded import is_sharded
from lit_clid.training.trainer import (
    checkpoint_steps,
    mixed_precision,
    resume_from,
)


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    if config.check:
        check(config, trains=True)
    elif config.dry_run:
        config = replace(config, finetune=replace(config.finetune, loggers=[]))
        _check(config)
        planned = plan_training(config, dealt(config, config.target.source), config.trainer)
        steps, processes = planned.trainer.max_steps, planned.trainer.world_size
        dry_training(config, planned.members, steps, planned.remarks, processes)
    else:
        train(config)


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
    give_back()


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
    sharded = is_sharded(config.trainer)
    resumed = resume_from(log_folder(config), facts, sharded)
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
        sharded=sharded,
    )
    announce(ready.module, plan, role)
    if resumed is not None:
        console.say(f"  going on from its last step, in {resumed}")
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
