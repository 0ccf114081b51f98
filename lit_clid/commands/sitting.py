"""What an audit opens first, and one sitting of it: the table of one model's answers."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from lit_clid import console
from lit_clid.about import About, Claims
from lit_clid.auditing.claims import carry_over, claim, finished_scores
from lit_clid.auditing.lineage import Model, check_split, find_models
from lit_clid.auditing.quarantine import columns_of, counted, quarantined
from lit_clid.auditing.queries import announce, describe_attacks, tally
from lit_clid.auditing.run import AskingTrainer, ask, asking_trainer, clear, fill_table
from lit_clid.auditing.several import sizes
from lit_clid.auditing.shards import finished_ids, set_damaged_aside, shard_folder
from lit_clid.auditing.shown import ShownAuroc
from lit_clid.auditing.signals import column_names
from lit_clid.auditing.sittings import (
    Sitting,
    shared_records,
)
from lit_clid.commands.checks import (
    alone_of,
    check_answerable,
    check_headline,
    check_stacked,
    doubt_of_shadow,
)
from lit_clid.commands.reading import Settings
from lit_clid.commands.splits import split_of
from lit_clid.data.entries import Members
from lit_clid.data.lots import samples
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.errors import few
from lit_clid.files import check_writable
from lit_clid.judging.headline import BEFOREHAND
from lit_clid.models.note import read_note
from lit_clid.models.target import Target
from lit_clid.models.tokens import learned_tokens
from lit_clid.models.weights import commits, hashes
from lit_clid.scores import Scores


def opened(config: Settings, *, calibrated: bool = False) -> tuple[dict[str, Model], Split]:
    """The models to audit and the verified split, everything refused that can be by now.

    Args:
        calibrated: a shadow's answers are there already.
    """
    check_headline(config)
    models = find_models(config.folder, config.audit, config.target)
    check_stacked(config, calibrated=calibrated or "shadow" in models)
    for line in learned_tokens(models["target"].source):
        console.say(line)
    split = split_of(config, models["target"].source, alone=alone_of(config, models))
    check_answerable(config, models, split, calibrated=calibrated)
    check_split(models, split)
    if doubt := doubt_of_shadow(models):
        console.say(doubt)
    return models, split


def table_of(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    carried: Scores | None = None,
    folder: Path | None = None,
) -> Scores | None:
    """The table of one sitting's signals; None on other processes where it has just been made.

    Args:
        carried: answers of the same model about some of the records.
        folder: where the table lies; None means the run's own scores.
    """
    options = config.audit
    path = (folder or config.folder / "scores") / f"{sitting.table}.parquet"
    side = target.side(config.data.resolution)
    claims = claim(target, split, sitting.attacks, options, config.seed, side)
    scores = finished_scores(path, claims)
    if scores is not None:
        console.say(f"{sitting.table}: already audited, see {path}")
        if console.is_first_process():
            clear(shard_folder(path))  # a process was killed before it could
        if scores.groups != split.groups and console.is_first_process():
            scores = replace(scores, groups=split.groups)
            scores.save(path)
        own = sizes(split, sitting.role)
        attacks = describe_attacks(sitting.attacks, target, own)  # titles, rules
        scores = replace(scores, about=replace(scores.about, attacks=attacks))
    else:
        scores = _asked(sitting, target, config, split, claims, carried, path)
    aside = scores and scores.about.quarantined
    if aside:
        every = Members(split.of(sitting.role))
        console.say(
            f"note: {sitting.table}: put aside, for the model answers NaN or infinity: "
            f"{counted(aside, every)}: {few(list(aside), 5)} ({few(columns_of(aside), 3)})"
        )
    return scores


def answered_ids(shards: Path) -> set[str]:
    """The records that need not be asked about again: those of whole shards, and those put aside.

    Damaged shards are renamed, and said.
    """
    if console.is_first_process():
        for name in set_damaged_aside(shards):
            console.say(f"note: {shards / name}: is damaged; its records are asked again")
    return finished_ids(shards) | set(quarantined(shards))


def _asked(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    claims: Claims,
    carried: Scores | None,
    path: Path,
) -> Scores | None:
    """The same, made: what is missing is asked."""
    shared = shared_records(sitting, split)
    if shared and carried is not None and console.is_first_process():
        check_writable(path.parent)
        carry_over(carried, shared, claims, split, sitting.role, shard_folder(path))
    data, trainer, overlong = _opened(sitting, target, config, split, shared, path)
    about = replace(
        about_of(sitting, config, split),
        captions_cut_by_the_tokenizer=overlong,
        shared_captions=split.shared.get(sitting.role),
        kin=target.kin,
        queries=tally(sitting.attacks, sizes(split, sitting.role, shared)),
    )
    return fill_table(target, split, data, sitting.attacks, claims, path, trainer, about)


def about_of(sitting: Sitting, config: Settings, split: Split) -> About:
    """What is known of a table before anything is asked."""
    source = sitting.model.source
    return About(
        model=str(source),
        files=hashes(source),
        commits={**split.commits, **commits(source)} or None,
        skipped=tuple(split.skipped),
        sampled=samples(split.sources),
        captions_by=split.captions_by,
        training=read_note(source),
        config=config.plain,
    )


def ask_part(sitting: Sitting, target: Target, config: Settings, split: Split) -> None:
    """Ask about this job's part of a sitting's records."""
    path = config.folder / "scores" / f"{sitting.table}.parquet"
    side, options = target.side(config.data.resolution), config.audit
    claims = claim(target, split, sitting.attacks, options, config.seed, side)
    if finished_scores(path, claims) is not None:
        return
    entries, (k, n) = split.of(sitting.role), options.parts
    elsewhere = np.arange(len(entries)) // options.batch_size % n != k - 1
    others = set(entries.ids.take(elsewhere))
    shared = shared_records(sitting, split)
    data, trainer, _ = _opened(sitting, target, config, split, shared, path, others)
    ask(target, data, sitting.attacks, claims, shard_folder(path), trainer)


def settled_ids(sitting: Sitting, split: Split, path: Path) -> set[str]:
    """Records of a table in the making that need not be asked about: those in its shards, those put
    aside, and those that the reference answered for the other role.
    """
    shards = shard_folder(path)
    return shared_records(sitting, split) | finished_ids(shards) | set(quarantined(shards))


def all_there(sitting: Sitting, config: Settings, split: Split) -> bool:
    """Whether the answers about all of a sitting's records lie in its table or shards."""
    path = config.folder / "scores" / f"{sitting.table}.parquet"
    there = settled_ids(sitting, split, path)
    return path.is_file() or there.issuperset(split.of(sitting.role).ids)


def _opened(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    but: set[str],
    path: Path,
    elsewhere: Collection[str] = (),
) -> tuple[CaptionedImages, AskingTrainer, int]:
    """The records that are pending, without some ids and those of other parts, the trainer that
    asks about them, and how many captions the tokenizer cuts.
    """
    if console.is_first_process():
        check_writable(path.parent)
    finished = (but | answered_ids(shard_folder(path))).difference(elsewhere)
    left = finished.union(elsewhere)
    data = CaptionedImages(
        split,
        config.data,
        sitting.role,
        seed=config.seed,
        side=target.side(config.data.resolution),
        batch_size=config.audit.batch_size,
        finished=left,
    )
    model, pending = str(sitting.model.source), sizes(split, sitting.role, left)
    console.say(announce(sitting.table, model, sitting.attacks, pending, len(finished)))
    overlong = target.overlong(data.captions)
    console.say_overlong(overlong, len(data.captions))
    shown = ShownAuroc(_shown_column(sitting, target, config.headline), shard_folder(path))
    return data, asking_trainer(config.trainer, sitting.table, shown), overlong


def _shown_column(sitting: Sitting, target: Target, headline: str | None) -> str:
    """The first column of the headline attack, or of the one that would speak beforehand."""
    first = [name for name in (headline, *BEFOREHAND) if name in sitting.attacks]
    name = [*first, *sitting.attacks][0]
    assert name is not None
    return column_names(name, sitting.attacks[name], target)[0]
