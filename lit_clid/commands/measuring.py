"""What a few batches of a configuration take on this machine: steps, queries, a judgement."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from lit_clid.about import About
from lit_clid.asked import Cost
from lit_clid.auditing.claims import claim
from lit_clid.auditing.queries import describe_attacks, tally
from lit_clid.auditing.run import ask, asking_trainer
from lit_clid.auditing.several import sizes
from lit_clid.auditing.sittings import REFERENCE
from lit_clid.commands.foretold import BACKWARD, seconds_of_a_query
from lit_clid.commands.reading import Settings
from lit_clid.commands.trainings import plan_training
from lit_clid.data.entries import Entries
from lit_clid.data.module import CaptionedImages
from lit_clid.data.parts import only
from lit_clid.data.records import RecordSet
from lit_clid.data.split import Split
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import write_report
from lit_clid.judging.report.section import Report
from lit_clid.models.load import load_target
from lit_clid.models.target import Target
from lit_clid.scores import Scores
from lit_clid.training.facts import training_facts
from lit_clid.training.preparation import Members, prepare
from lit_clid.training.timing import StepTimes
from lit_clid.training.trainer import mixed_precision

WORTH = 20.0
"""Seconds that attacks may ask for."""
STEPS = 400
"""Most optimiser steps that are made."""
BATCHES = 4
"""Batches of members that they are made on."""


def _alone(config: Settings) -> dict[str, Any]:
    """The trainer's options for one process on one device, without a bar."""
    one = {"devices": 1, "num_nodes": 1, "strategy": "auto", "enable_progress_bar": False}
    return {**config.trainer, **one}


def seconds_of_training(config: Settings, split: Split) -> tuple[float, float]:
    """Of an optimiser step, and of encoding a member, by some steps on some of the members."""
    options, role = config.finetune, config.role
    members = split.of(role, True)
    some = {entry.id for entry in members[: BATCHES * options.batch_size]}
    own = [e for e in split.entries if e.id in some or (e.role == role and not e.member)]
    part = replace(split, entries=Entries.of(own))
    times = StepTimes()
    with TemporaryDirectory() as folder:
        short = replace(
            config,
            runs=folder,
            finetune=replace(options, samples=0, checkpoints=[], loggers=[], save_every=10 * STEPS),
            gauge=replace(config.gauge, every=None),
        )
        trainer = {**_alone(config), "max_steps": STEPS}
        plan = plan_training(short, part, trainer)
        plan.trainer.callbacks.append(times)  # type: ignore[attr-defined]
        target = load_target(config.target.source, channels_last=False)
        ready = prepare(
            target,
            Members(part, config.data, role),
            short.finetune,
            config.seed,
            training_facts(short, part.fingerprint, target.fingerprint, 1),
            defenses=plan.defenses,
            privacy=plan.privacy,
            mixed=mixed_precision(config.trainer),
            schedule_steps=config.trainer["max_steps"],
        )
        plan.trainer.fit(ready.module, ready.data)
    step = times.seconds() * config.trainer.get("accumulate_grad_batches", 1)
    with target.awake():
        record = seconds_of_encoding(target, part, config)
    target.to(torch.device("cpu"))  # for what is asked next
    return step, record


def calls_of(cost: Cost) -> int:
    """Queries, a backward pass counted for as many as it takes as long as."""
    return cost.total + BACKWARD * cost.backward_total


def seconds_when_asked(target: Target, split: Split, config: Settings) -> float:
    """Of a query, everything about it included: all attacks ask about a batch, or a part of one
    that takes no longer than is worth it.
    """
    options, attacks = config.audit, config.attacks
    bare = seconds_of_a_query(target, config)
    each = calls_of(tally(attacks, {1: 1}))
    count = max(1, min(options.batch_size, int(WORTH / (bare * each))))
    part = only(split, {entry.id for entry in split.of("target")[:count]})
    side = target.side(config.data.resolution)
    claims = claim(target, part, attacks, options, config.seed, side)
    data = CaptionedImages(
        part, config.data, "target", seed=config.seed, side=side, batch_size=options.batch_size
    )
    with TemporaryDirectory() as folder:
        trainer = asking_trainer(_alone(config), "check")
        start = time.perf_counter()
        ask(target, data, attacks, claims, Path(folder) / "shards", trainer)
        took = time.perf_counter() - start
    return took / calls_of(tally(attacks, sizes(part, "target")))


@torch.no_grad()
def seconds_of_encoding(target: Target, split: Split, config: Settings) -> float:
    """Of a record: reading its image, its latent, its text."""
    entries, side = split.entries[: config.audit.batch_size], target.side(config.data.resolution)
    records, took = RecordSet(split, entries, side, config.seed), 0.0
    for _ in range(2):  # the first one warms up
        start = time.perf_counter()
        images = records.images(range(len(entries)))
        target.encode(images).sum().item()
        target.embed(records.captions)
        took = time.perf_counter() - start
    return took / len(entries)


def seconds_of_judging(
    config: Settings, split: Split, target: Target, roles: Sequence[str], *, referred: bool
) -> float:
    """Of the judgement and its report, of answers drawn at random about as many records; controls
    aside.

    Args:
        roles: that are asked, the target first.
        referred: a reference is asked too.
    """
    dice = np.random.default_rng(0)

    def drawn(role: str) -> Scores:
        entries = split.of(role)
        specs = describe_attacks(config.attacks, target, sizes(split, role))
        names = dict.fromkeys(column for spec in specs.values() for column in spec.columns)
        ids, told = zip(*((entry.id, entry.member) for entry in entries), strict=True)
        answers = dict(zip(names, dice.normal(size=(len(names), len(ids))), strict=True))
        return Scores.of_told(ids, told, answers, About(attacks=specs), "check")

    tables: dict[str, Scores] = {}
    for role, own, beside in zip(roles, ("target", "shadow"), REFERENCE.values(), strict=False):
        tables |= {own: drawn(role)} | ({beside: drawn(role)} if referred else {})
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        found = judge(tables.pop("target"), **tables, headline=config.headline)  # type: ignore[arg-type]
        write_report(Report(config.name, found), Path(folder))
    return time.perf_counter() - start
