"""Defenses that contradict the recipe or the records, refused before anything is trained."""

from collections.abc import Mapping
from typing import Any

import torch

from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.training.defenses import (
    DPSGD,
    Defenses,
    ImageDefense,
    MemberAware,
    PrivacyBudget,
    Texts,
    need_opacus,
)

SHARES = (2, 13)
"""The torch from which on processes can share a model; older ones want one precision in a block."""
OTHERS = (DPSGD, MemberAware)
"""Defenses that make batches of their own."""


def check_defenses(
    defenses: Defenses,
    options: FineTuneOptions,
    data: DataOptions,
    trainer: dict[str, Any],
    processes: int = 1,
) -> list[str]:
    """Refuse what cannot be done together.

    Returns:
        Remarks: what each defense does, and what it switches off.
    """
    images = list(defenses.of(ImageDefense)) + (["data.random_crop"] if data.random_crop else [])
    if data.buckets:
        _check_buckets(defenses, options)
    if options.cache == "always" and images:
        raise UserError(
            f"finetune.cache: cannot always keep latents, {few(images)} changes pixels in every "
            "step; set it to auto"
        )
    if options.cache == "always" and defenses.redraws_captions:
        raise UserError(
            "finetune.cache: cannot always keep embeddings, captions are drawn anew; set it to auto"
        )
    if defenses.dp is not None:
        need_opacus()
        _check_private(options, trainer, processes)
        if data.several_captions == "each":
            raise UserError(
                "data.several_captions: contradicts defenses.dp, whose ε is of one record, while "
                "an image has several under 'each'; set it to first"
            )
    if defenses.one(MemberAware) is not None:
        _check_aware(data, processes)
    remarks = [f"{name}: {defense.describe()}" for name, defense in defenses.chosen.items()]
    if images and options.cache == "auto":
        remarks.append(f"latents are not cached, {few(images)} needs pixels in every step")
    elif data.buckets and options.cache == "auto":
        remarks.append("latents are not cached, data.buckets makes several shapes")
    if defenses.dp is not None and not defenses.dp.secret:
        remarks.append(
            "dp: its noise follows from the seed; ε holds against nobody who knows it "
            "(defenses.dp.secret)"
        )
    return remarks


def check_sharded(trainer: Mapping[str, Any], defenses: Defenses, gauged: bool = False) -> None:
    """Refuse what processes that share a model cannot do.

    Args:
        gauged: whether a gauge watches the training.

    Raises:
        UserError: saying why, and what to do instead.
    """
    contradictions = {
        "trainer.precision": (
            str(trainer.get("precision")) == "16-mixed",
            "16-mixed scales one process's gradients; set it to bf16-mixed or 32",
        ),
        "gauge.every": (gauged, "a gauge asks the model of one process; set it to null"),
    }
    for key in ("limit_val_batches", "num_sanity_val_steps"):
        reason = "processes that share a model validate equally often; leave it out"
        contradictions[f"trainer.{key}"] = (trainer.get(key) not in (None, 0), reason)
    for kind in (DPSGD, MemberAware, PrivacyBudget):
        reason = "it needs the whole model in one process; leave it out"
        contradictions |= {f"defenses.{name}": (True, reason) for name in defenses.of(kind)}
    for key, (contradicts, reason) in contradictions.items():
        if contradicts:
            raise UserError(f"{key}: contradicts trainer.strategy=fsdp, {reason}")
    if tuple(map(int, torch.__version__.split(".")[:2])) < SHARES:
        wanted = ".".join(map(str, SHARES))
        raise UserError(
            f"trainer.strategy: fsdp was tried with torch {wanted}, and this is "
            f"{torch.__version__}; install {wanted} or newer, or take ddp"
        )


def check_records(defenses: Defenses, split: Split, role: str) -> Texts:
    """Refuse defenses that a role's records cannot serve; returns the members' texts."""
    texts = Texts.of(split, role)
    defenses.check(texts)
    if defenses.one(MemberAware) is not None and not split.spare(role):
        raise UserError(
            "defenses: member-aware training needs hold-outs of the other role, and the data have "
            "none left; ask for fewer data.members and data.nonmembers"
        )
    return texts


def _check_private(options: FineTuneOptions, trainer: dict[str, Any], processes: int) -> None:
    """What would make the accountant's ε untrue, or what Opacus cannot do."""
    contradictions = {
        "trainer.accumulate_grad_batches": (trainer.get("accumulate_grad_batches", 1) != 1, "1"),
        "trainer.gradient_clip_val": (trainer.get("gradient_clip_val") is not None, "null"),
        "trainer.precision": (
            str(trainer.get("precision", "32-true")) not in ("32", "32-true"),
            "32-true",
        ),
        "finetune.gradient_checkpointing": (options.gradient_checkpointing, "false"),
        "trainer.devices": (processes > 1, "1"),
    }
    reasons = {
        "trainer.accumulate_grad_batches": "one Poisson batch makes a step; defenses.dp.rows "
        "splits it for memory",
        "trainer.gradient_clip_val": "gradients are clipped record by record",
        "trainer.precision": "per-record gradients are taken in float32",
        "finetune.gradient_checkpointing": "per-record gradients are not recorded through it",
        "trainer.devices": "Poisson batches are drawn by one process",
    }
    for key, (contradicts, remedy) in contradictions.items():
        if contradicts:
            raise UserError(f"{key}: contradicts defenses.dp, {reasons[key]}; set {key}={remedy}")


def _check_buckets(defenses: Defenses, options: FineTuneOptions) -> None:
    """What takes all images to be squares of one size, or draws batches of its own."""
    if options.cache == "always":
        raise UserError(
            "finetune.cache: latents of several shapes are not kept (data.buckets); set it to auto"
        )
    chosen = defenses.chosen.items()
    squares = [name for name, one in chosen if isinstance(one, (ImageDefense, *OTHERS))]
    if squares:
        raise UserError(
            f"data.buckets: contradicts {few(squares)}, which needs squares of one size; set "
            "data.buckets=false"
        )


def _check_aware(data: DataOptions, processes: int) -> None:
    if processes > 1:
        raise UserError(
            "trainer.devices: the proxy attacker is trained by one process; set trainer.devices=1"
        )
    if data.shadow != "disjoint":
        raise UserError(
            "data.shadow: member-aware training borrows the other role's hold-outs, which are "
            "nobody's members only if the splits are disjoint; set data.shadow=disjoint"
        )
