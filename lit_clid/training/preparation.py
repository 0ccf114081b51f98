"""Getting ready to train: the records as the defenses want them, and the module with them.

Defenses reach members in training alone: `edit` and `augment` change what they are called and how
they look, Poisson samples who is taken. Private training that is meant throws its dice in secret.
"""

import os
import secrets
from dataclasses import dataclass
from functools import partial
from math import inf

import torch

from lit_clid.about import Facts
from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.buckets import Bucketing
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.data.stream import Poisson
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.training.contradictions import check_records
from lit_clid.training.defenses import Defenses, Privacy
from lit_clid.training.module import FineTune, Still
from lit_clid.training.sharded import ShardedFineTune

SHARE = 4
"""The part of this machine's memory, 1 in so many, that embeddings may take by themselves."""


@dataclass(frozen=True)
class Members:
    """Whose members are trained on.

    Args:
        split: the verified split.
        options: data options.
        role: whose members.
    """

    split: Split
    options: DataOptions
    role: str


@dataclass(frozen=True)
class Ready:
    """A module and its data."""

    module: FineTune
    data: CaptionedImages


def prepare(
    target: PipelineTarget,
    members: Members,
    options: FineTuneOptions,
    seed: int,
    facts: Facts,
    *,
    defenses: Defenses,
    privacy: Privacy | None = None,
    mixed: torch.dtype | None = None,
    schedule_steps: int | None = None,
    sharded: bool = False,
) -> Ready:
    """Put together what trains `target` on the members.

    Args:
        seed: of everything; with secret private training, of what no member is trained with.
        facts, defenses, privacy, mixed, schedule_steps: see `FineTune`.
        sharded: whether processes share the model.

    Raises:
        UserError: for defenses that these records cannot serve.
    """
    side, data_options = target.side(members.options.resolution), members.options
    whole = not data_options.random_crop and not data_options.buckets
    secret = defenses.dp is not None and defenses.dp.secret
    dice = secrets.randbits(62) if secret else seed
    texts = check_records(defenses, members.split, members.role)
    keep = options.cache != "never"
    still = Still(
        latents=keep and not defenses.needs_pixels and whole,
        embedding=keep and not defenses.redraws_captions,
        most=inf if options.cache == "always" else _memory_size() / SHARE,
    )
    data = CaptionedImages(
        members.split,
        members.options,
        members.role,
        seed=seed,
        side=side,
        batch_size=options.batch_size,
        edit=partial(defenses.captions, texts, dice) if defenses.edits_captions else None,
        poisson=None if defenses.dp is None else Poisson(dice),
        member_images=not still.latents,
        bucketing=_bucketing(target, side) if data_options.buckets else None,
    )
    module = (ShardedFineTune if sharded else FineTune)(
        target,
        options,
        seed,
        facts,
        defenses=defenses,
        privacy=privacy,
        dice=dice,
        augment=defenses.augmenter(side, dice),
        still=still,
        mixed=mixed,
        schedule_steps=schedule_steps,
    )
    return Ready(module, data)


def _memory_size() -> float:
    """Bytes of this machine's memory; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError):
        return inf


def _bucketing(target: PipelineTarget, side: int) -> Bucketing:
    """The shapes that a target takes."""
    patch, most = target.family.sides(target.denoiser.network)
    pixels = target.latents.downsampling
    return Bucketing(side, pixels * patch, None if most is None else most * pixels)
