"""One model's audit: ask about the records without a shard, then merge the shards."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import lightning as L
from lightning.pytorch.callbacks import Callback

from lit_clid.about import About, Claims
from lit_clid.auditing.claims import CLAIMS
from lit_clid.auditing.module import Auditor
from lit_clid.auditing.quarantine import quarantined, refuse_many
from lit_clid.auditing.queries import describe_attacks
from lit_clid.auditing.several import sizes
from lit_clid.auditing.shards import Roll, merge, shard_folder
from lit_clid.auditing.signals import Signals
from lit_clid.config.trainer import FSDP, make_trainer
from lit_clid.data.entries import Members
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.files import write_json
from lit_clid.ids import Ids
from lit_clid.models.target import Target
from lit_clid.provenance import provenance
from lit_clid.scores import Scores

PATIENCE = timedelta(days=2)
"""How long a process that is done waits for the slowest, once at the end."""
AskingTrainer: TypeAlias = L.Trainer
"""What `asking_trainer` makes."""


def fill_table(
    target: Target,
    split: Split,
    data: CaptionedImages,
    attacks: Mapping[str, Signals],
    claims: Claims,
    path: Path,
    trainer: L.Trainer,
    about: About,
) -> Scores | None:
    """Ask about every pending record of `data` and merge the shards into the table `path`.

    None on ranks other than zero.

    Args:
        target: the model that is asked.
        split: says who is a member.
        data: the records of one role.
        attacks: by name.
        claims: what the signals are made with.
        path: of the table, a parquet file.
        trainer: that asks.
        about: of the table, to which versions, claims and attacks are added.

    Raises:
        UserError: if fewer records are left than there are processes, the device is out of memory,
            many answers are NaN or infinite, or the shards do not make up the table.
    """
    shards = shard_folder(path)
    ask(target, data, attacks, claims, shards, trainer)
    if not trainer.is_global_zero:
        return None
    aside = quarantined(shards)
    told = replace(
        about,
        made=provenance(str(trainer.strategy.root_device)),
        claims=claims,
        quarantined=aside or None,
        attacks=describe_attacks(attacks, target, sizes(split, data.role)),
    )
    own = split.of(data.role)
    kept = Members(own.take(Ids(aside).places(own.ids) < 0))
    merged = merge(shards, Roll.of(kept), told, str(path))
    images, named = split.images, set(own.ids if split.images else ())
    shared = {name: image for name, image in images.items() if name in named}
    scores = replace(merged, groups=split.groups, images=shared)
    scores.save(path)
    clear(shards)
    return scores


def clear(shards: Path) -> None:
    """Delete the shards of a table that is whole, and what a killed process left among them; the
    claims last, without which nobody could tell what the rest is.
    """
    for file in shards.glob("*"):
        if file.name != CLAIMS:
            file.unlink()
    shutil.rmtree(shards, ignore_errors=True)


def ask(
    target: Target,
    data: CaptionedImages,
    attacks: Mapping[str, Signals],
    claims: Claims,
    shards: Path,
    trainer: L.Trainer,
    *,
    stays: bool = False,
) -> None:
    """Ask about every pending record of `data`, and leave the answers in the folder `shards`;
    records about which they are no finite numbers are put aside there.

    Args:
        stays: the model is asked again soon, and stays on its device.

    Raises:
        UserError: as `fill_table`.
    """
    expected = data.expected
    refuse_many(quarantined(shards), expected, shards)
    if trainer.is_global_zero:
        write_json(shards / CLAIMS, claims.as_json())
    if 0 < len(data.audited) < trainer.world_size:
        raise UserError(
            f"{len(data.audited)} records are left for {trainer.world_size} processes; finish with "
            "trainer.devices=1"
        )
    if len(data.audited):
        assert claims.seed is not None
        sample = claims.posterior == "sample"
        module = Auditor(target, attacks, claims.seed, shards, sample, expected, stays=stays)
        trainer.predict(module, data, return_predictions=False)
        trainer.strategy.barrier()
        aside = quarantined(shards)
        trainer.strategy.barrier()  # the first process merges them next
        refuse_many(aside, expected, shards)


def asking_trainer(trainer: Mapping[str, Any], role: str, *callbacks: Callback) -> L.Trainer:
    """A trainer for `predict` with the user's accelerator, devices and strategy.

    The rest of `trainer:` belongs to training. The data deal batches to processes. Those that share
    a model in training each hold the whole one that they ask.
    """
    kept = ("accelerator", "strategy", "devices", "num_nodes", "plugins", "enable_progress_bar")
    options = {key: value for key, value in trainer.items() if key in kept}
    off = ("logger", "enable_checkpointing", "enable_model_summary")
    fixed: dict[str, Any] = dict.fromkeys(off, False)
    fixed["inference_mode"] = False  # white-box attacks differentiate its tensors
    fixed["use_distributed_sampler"] = False
    wanted = {**options, **fixed}
    if wanted.get("strategy") == FSDP:
        wanted["strategy"] = "ddp"
    return make_trainer(wanted, f"auditing {role}", *callbacks, patience=PATIENCE)
