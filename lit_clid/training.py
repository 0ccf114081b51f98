"""Train one role of a run: everything is checked, then the model is tuned and exported, or found to be there."""

from pathlib import Path

from lit_clid import console
from lit_clid.config import Config, build_defenses
from lit_clid.data import CaptionedImages, load_split
from lit_clid.finetune import (
    FineTune,
    build_trainer,
    check_defenses,
    checkpoint_steps,
    export,
    export_on_the_way,
    finished_model,
    resume_from,
    write_model,
)
from lit_clid.targets import load_target


def checkpoint_folder(folder: Path, role: str, step: int) -> Path:
    """Where the model of a role after an optimiser step is exported."""
    return folder / "checkpoints" / role / f"step-{step:07d}"


def train(config: Config) -> None:
    """Tune `target.path` on the members of `config.role`.

    Raises:
        UserError: for anything in the configuration that cannot be done, before training starts.
    """
    options, role = config.finetune, config.role
    model, logs = config.folder / role, config.folder / "logs" / role
    defenses = build_defenses(config.defenses)
    check_defenses(defenses, options, config.data, config.trainer)
    split = load_split(config.data, config.seed, config.folder)
    members = split.require(role)
    trainer = build_trainer(options, config.trainer, logs, role, config.seed, defenses, len(members))
    remarks = check_defenses(defenses, options, config.data, config.trainer, trainer.world_size)
    steps = checkpoint_steps(options.checkpoints, len(members), trainer.max_steps)
    target = load_target(config.target.path, variant=config.target.variant, channels_last=False)
    facts = config.training_facts(split.fingerprint, target.fingerprint, trainer.world_size)
    for step in steps.values():
        finished_model(checkpoint_folder(config.folder, role, step), facts)  # of another recipe? then it is refused
    if finished_model(model, facts):
        console.say(f"{role}: already trained, see {model}")
        return
    resumed = resume_from(logs, facts)
    side = target.side(config.data.resolution)
    data = CaptionedImages(split, config.data, role, seed=config.seed, side=side, batch_size=options.batch_size)
    privacy = None if defenses.dp is None else defenses.dp.plan(len(members), options.batch_size, trainer.max_steps)
    module = FineTune(target, options, config.seed, facts, defenses, privacy)
    module.schedule_steps = config.trainer["max_steps"]
    module.prepare(data)
    export_on_the_way(
        trainer,
        tuple(steps.values()),
        lambda step: write_model(module, trainer, checkpoint_folder(config.folder, role, step), config.plain),
    )
    console.say(f"{role}: tuning {module.trained:,} parameters on {len(members)} members, {trainer.max_steps} steps")
    for remark in remarks:
        console.say(f"  {remark}")
    if privacy is not None:
        spent = privacy.epsilon(trainer.max_steps)
        console.say(f"  dp: σ = {privacy.noise_multiplier:.3g}, ε = {spent:.3g} at δ = {privacy.delta:.2g} when done")
    console.say_overlong(target.overlong(data.members.captions), len(members))
    trainer.fit(module, data, ckpt_path=resumed, weights_only=True)
    export(module, trainer, model, config.plain)
    console.say(f"{role}: exported to {model}")
