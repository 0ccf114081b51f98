"""Fine-tune a target, or its shadow, on its split of the records and export it as a diffusers folder."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid import console
from lit_clid.config import read_config
from lit_clid.data import CaptionedImages, load_split
from lit_clid.finetune import FineTune, build_trainer, export, finished_model, resume_from
from lit_clid.targets import load_target

DEFAULT = Path(__file__).parent / "configs" / "demo.yaml"
USAGE = """usage: python train.py [config.yaml ...] [key=value ...]

Fine-tune `target.path` on the members of `role` (target or shadow) and export runs/NAME/ROLE as a diffusers folder.
Without a config: the embedded demo. Interrupted runs go on from their last checkpoint.
example: python train.py configs/demo.yaml role=shadow name=mine"""


def main(arguments: Sequence[str]) -> None:
    config = read_config(arguments, DEFAULT)
    model, logs = config.folder / config.role, config.folder / "logs" / config.role
    split = load_split(config.data, config.seed, config.folder)
    members = split.require(config.role)
    trainer = build_trainer(config.finetune, config.trainer, logs, config.role, config.seed)
    target = load_target(config.target.path, variant=config.target.variant, channels_last=False)
    facts = config.training_facts(split.fingerprint, target.fingerprint, trainer.world_size)
    if finished_model(model, facts):
        console.say(f"{config.role}: already trained, see {model}")
        return
    checkpoint = resume_from(logs, facts)
    side = target.side(config.data.resolution)
    data = CaptionedImages(
        split, config.data, config.role, seed=config.seed, side=side, batch_size=config.finetune.batch_size
    )
    module = FineTune(target, config.finetune, config.seed, facts)
    console.say(
        f"{config.role}: tuning {module.trained:,} parameters on {len(members)} members, {trainer.max_steps} steps"
    )
    console.say_overlong(target.overlong(data.members.captions), len(members))
    trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    export(module, trainer, model, config.plain)
    console.say(f"{config.role}: exported to {model}")


if __name__ == "__main__":
    console.run(main, USAGE)
