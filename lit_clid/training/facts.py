"""What a trained model depends on, as checkpoints and exported models keep it."""

from dataclasses import asdict
from typing import Any

from lit_clid.about import Facts
from lit_clid.config.schema import Config
from lit_clid.training.defenses import Defenses

UNTRAINED = ("validate_every", "save_every", "samples", "cache", "checkpoints", "loggers")
"""Keys of `finetune` that do not change the weights, unless a stopping defense looks at the
validations.
"""
TRAINED = (
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "precision",
)
"""Keys of `trainer` that do."""


def training_facts(config: Config[Any, Defenses], split: str, base: str, processes: int) -> Facts:
    """The facts of a model that `config` trains.

    Args:
        split, base: fingerprints of the split's contents and of the base.
        processes: how many the batches are dealt out to.
    """
    options, trainer, defenses = asdict(config.finetune), config.trainer, config.defenses
    data: dict[str, Any] = {
        "data.resolution": config.data.resolution,
        "data.random_crop": config.data.random_crop,
    }
    if config.data.buckets:
        data["data.buckets"] = True
    if config.data.rephrasings_column is not None:
        data["data.rephrasings_column"] = config.data.rephrasings_column
    tune = {f"finetune.{key}": options[key] for key in options if key not in UNTRAINED}
    if defenses.stops_on_validation:
        tune["finetune.validate_every"] = config.finetune.validate_every
    trained = {f"trainer.{key}": trainer[key] for key in TRAINED if key in trainer}
    return Facts(
        seed=config.seed,
        role=config.role,
        split=split,
        base=base,
        processes=processes,
        rest={**data, **tune, **trained, **defenses.facts},
    )
