"""An audit of suspects that stops asking as soon as the evidence suffices."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lit_clid import console
from lit_clid.about import About
from lit_clid.asked import AttackSpec
from lit_clid.auditing.claims import claim, finished_scores
from lit_clid.auditing.quarantine import columns_of, quarantined
from lit_clid.auditing.queries import announce, describe_attacks, tally
from lit_clid.auditing.run import ask, asking_trainer
from lit_clid.auditing.several import sizes
from lit_clid.auditing.shards import answers, shard_folder
from lit_clid.auditing.sittings import Shelf, Sitting, check_sittings, plan
from lit_clid.commands.blind import blind_table
from lit_clid.commands.processes import shared
from lit_clid.commands.reading import Settings
from lit_clid.commands.sitting import about_of, answered_ids, opened, table_of
from lit_clid.config.options.report import PLAIN
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.errors import UserError, few
from lit_clid.judging.controls.all import controls_of_blind
from lit_clid.judging.pseudonyms import about_renamed, named
from lit_clid.judging.report.stopped import StoppedReport, publish_stopped
from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects.asking import plan_asking
from lit_clid.judging.suspects.stopped import Look, Stopped, choose_speaker
from lit_clid.models.target import Target
from lit_clid.provenance import provenance
from lit_clid.scores import Scores

TABLE = "stopped"
"""Name of the table of an audit that stopped."""


def stopped_early(config: Settings) -> Stopped | None:
    """Audit until the evidence suffices, and publish it; None if all were asked."""
    models, split = opened(config)
    folder = config.folder / "scores"
    sittings = plan(models, None, config.attacks, config.audit)
    targets = Shelf((sitting.model for sitting in sittings), config.audit)
    for line in check_sittings(sittings, targets, split):
        console.say(f"note: {line}")
    console.say("note: the reference is asked only if the evidence does not suffice")
    first, *others = sittings
    shadow = None
    for sitting in others:
        made = table_of(sitting, targets[sitting.model], config, split, folder=folder)
        shadow = shared(made)  # the first process merges it
    found = ask_until(first, targets[first.model], config, split, folder, shadow)
    targets[first.model].to(torch.device("cpu"))
    if found is None:
        return None
    stopped, table = found
    if not console.is_first_process():
        return stopped
    blind = blind_table(split, folder)
    controls = controls_of_blind(blind)
    about = table.about
    if config.report.ids != PLAIN:
        about = about_renamed(about, named({TABLE: table}, config.folder))
    publish_stopped(StoppedReport(config.name, stopped, about, controls), config.folder)
    return stopped


def ask_until(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    folder: Path,
    shadow: Scores | None,
) -> tuple[Stopped, Scores] | None:
    """Ask the target batch by batch until the evidence suffices.

    What was asked is kept: an audit without `evidence.stop_at` asks the rest.

    Args:
        sitting: of the target.
        target: the model.
        config, split: of the audit.
        folder: where the tables lie.
        shadow: its table; None without one.

    Returns:
        The evidence and the table of what was asked; None if all were asked.
    """
    path, options = folder / f"{sitting.table}.parquet", config.audit
    side = target.side(config.data.resolution)
    claims = claim(target, split, sitting.attacks, options, config.seed, side)
    if finished_scores(path, claims) is not None:
        return None
    specs = describe_attacks(sitting.attacks, target, sizes(split, "target"))
    ours = sorted(split.suspects.ids)
    theirs = sorted(split.of("target", False).ids)
    name = _speaker(sitting, specs, config.headline, shadow, split)
    asking = plan_asking(ours, theirs, shadow=shadow is not None, seed=config.seed)
    assert config.evidence.stop_at is not None
    look = Look(asking, name, specs[name], config.evidence.stop_at, shadow)
    shards = shard_folder(path)
    every, done = set(asking.ids), _done(shards)
    model, pending = str(sitting.model.source), sizes(split, "target", done)
    console.say(f"at most: {announce(sitting.table, model, sitting.attacks, pending, len(done))}")
    trainer = asking_trainer(config.trainer, sitting.table)
    for end in _ends(len(asking.ids), options.batch_size * trainer.world_size):
        wanted = asking.ids[:end]
        finished = (every - set(wanted)) | done
        data = CaptionedImages(
            split,
            config.data,
            "target",
            seed=config.seed,
            side=side,
            batch_size=options.batch_size,
            finished=finished,
        )
        ask(target, data, sitting.attacks, claims, shards, trainer, stays=True)
        done = _done(shards)
        signals = answers(shards, wanted)
        found = look.at(signals)
        console.say(_progress(found))
        if found.stops:
            about = replace(
                about_of(sitting, config, split),
                made=provenance(str(trainer.strategy.root_device)),
                queries=tally(sitting.attacks, sizes(split, "target", every - set(wanted))),
                claims=claims,
                attacks=specs,
                until=found.until,
            )
            return found, _kept(asking.suspect[:end], signals, about, folder)
    return None


def _done(shards: Path) -> set[str]:
    """The records that were answered.

    Raises:
        UserError: if a record was put aside: evidence would be looked at in an order with gaps.
    """
    aside = quarantined(shards)
    if aside:
        raise UserError(
            f"the model answers NaN or infinity about {few(list(aside), 5)} "
            f"({few(columns_of(aside), 3)}); evidence that is looked at in an order cannot leave "
            "records out: set evidence.stop_at=null, what was asked is kept"
        )
    return answered_ids(shards)


def _speaker(
    sitting: Sitting,
    specs: Mapping[str, AttackSpec],
    named: str | None,
    shadow: Scores | None,
    split: Split,
) -> str:
    """The attack whose evidence is looked at; that others are asked for nothing is said."""
    name = choose_speaker(specs, named, shadow)
    if shadow is None and RULES[specs[name].rule].needs_shadow:
        raise UserError(f"headline: {name} cannot be judged without a shadow; name another attack")
    if len(specs) > 1:
        own, every = specs[name].queries, tally(sitting.attacks, sizes(split, "target")).per_record
        console.say(
            f"note: the evidence looks at {name} alone, {own} of {every} queries per record; "
            f"attacks=[{name}] asks no more"
        )
    return name


def _ends(count: int, step: int) -> Iterator[int]:
    """Where batches end; a last one smaller than that is added to the one before."""
    ends = list(range(step, count, step))
    if ends and count - ends[-1] < step // 2:
        ends.pop()
    yield from [*ends, count]


def _progress(found: Stopped) -> str:
    enough, evidence = 1 / found.until.level, 1 / found.p
    return (
        f"asked {found.asked} of {found.asked + found.saved}: evidence {evidence:,.3g}, "
        f"{'which suffices' if found.stops else f'{enough:,.3g} suffices'}"
    )


def _kept(
    suspect: np.ndarray,
    signals: Mapping[str, np.ndarray],
    about: About,
    folder: Path,
) -> Scores:
    """The table of what was asked, written beside the shards."""
    assert about.until is not None
    path = folder / f"{TABLE}.parquet"
    told = [None if kind else False for kind in suspect.tolist()]
    table = Scores.of_told(about.until.order, told, signals, about, str(path))
    if console.is_first_process():
        table.save(path)
    return table
