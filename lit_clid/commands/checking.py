"""`check`: what a configuration would take on this machine, measured on a few batches.

Records, split and queries are those of the run. Seconds come from some optimiser steps and some
calls of the models themselves, memory from this process while it made them; what they make is
thrown away.
"""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from lit_clid import console
from lit_clid.asked import Cost
from lit_clid.auditing.claims import claim
from lit_clid.auditing.lineage import INDEX, Model, find_models, find_reference
from lit_clid.auditing.queries import tally
from lit_clid.auditing.run import ask, asking_trainer
from lit_clid.auditing.several import sizes
from lit_clid.auditing.sittings import Sitting, load, plan
from lit_clid.commands.checks import alone_of, check_headline, check_rules, check_suspects
from lit_clid.commands.dry import dealt, scaled
from lit_clid.commands.foretold import BACKWARD, seconds_of_a_query, span
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import on_gpu
from lit_clid.commands.train import plan_training
from lit_clid.config.options.data import ROLES
from lit_clid.data.module import CaptionedImages
from lit_clid.data.parts import only
from lit_clid.data.records import RecordSet
from lit_clid.data.split import Split
from lit_clid.models.load import check_target, load_target
from lit_clid.models.target import Target
from lit_clid.models.weights import locate
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


@dataclass(frozen=True)
class Phase:
    """What a phase would take.

    Args:
        name: of it.
        work: in words.
        seconds: that it would take.
    """

    name: str
    work: str
    seconds: float


def main(arguments: Sequence[str]) -> None:
    """Check a configuration.

    Raises:
        UserError: for what its training or its audit would refuse.
    """
    config = read(arguments)
    check_headline(config)
    source, trained = _model(config)
    models = trained or {"target": source}
    split = dealt(config, source.source, alone=alone_of(config, models))
    check_suspects(config, split, models)
    phases: list[Phase] = []
    roles = _untrained(config, split)
    if config.audit.target is None and not source.source.parts and roles:
        phases += _trainings(config, split, roles)
    phases += _audit(config, split, source, trained)
    records = {role: len(split.of(role)) for role in ROLES if split.of(role)}
    counts = ", ".join(f"{count:,} of the {role}" for role, count in records.items())
    rows = [("phase", "work", "time"), *((p.name, p.work, span(p.seconds)) for p in phases)]
    total = sum(phase.seconds for phase in phases)
    console.say(f"check of {config.name}: {counts}; {len(split.skipped)} left out")
    console.say(console.aligned([*rows, ("all", "one after the other", span(total))], ruled=True))
    console.say(f"memory: {_memory()}; {_disk(config, phases, source)}")
    console.say("measured on a few batches of this machine; nothing of it is kept")


def _model(config: Settings) -> tuple[Model, dict[str, Model]]:
    """The model that stands for the target, and those that are there already."""
    named = config.audit.target is not None or config.target.source.parts
    if named or (config.folder / "target" / INDEX).is_file():
        found = find_models(config.folder, config.audit, config.target)
        return found["target"], found
    check_target(config.target.source)
    return Model(config.target.source), {}


def _untrained(config: Settings, split: Split) -> list[str]:
    """Roles that have records and no model yet."""
    there = [role for role in ROLES if (config.folder / role / INDEX).is_file()]
    return [role for role in ROLES if split.of(role, True) and role not in there]


def _trainings(config: Settings, split: Split, roles: Sequence[str]) -> list[Phase]:
    """The trainings of these roles, which are of one recipe, by some steps of the first."""
    step, record = _seconds_of_training(replace(config, role=roles[0]), split)
    steps, phases = config.trainer["max_steps"], list[Phase]()
    for role in roles:
        count = len(split.of(role, True))
        work = f"{steps:,} steps of {1000 * step:.0f} ms on {count} members"
        phases.append(Phase(f"train {role}", work, steps * step + count * record))
    return phases


def _seconds_of_training(config: Settings, split: Split) -> tuple[float, float]:
    """Of an optimiser step, and of encoding a member, by some steps on some of the members."""
    options, role = config.finetune, config.role
    members = split.of(role, True)
    some = {entry.id for entry in members[: BATCHES * options.batch_size]}
    own = tuple(e for e in split.entries if e.id in some or (e.role == role and not e.member))
    part = replace(split, entries=own)
    times = StepTimes()
    with TemporaryDirectory() as folder:
        short = replace(
            config,
            runs=folder,
            finetune=replace(options, samples=0, checkpoints=[], loggers=[], save_every=10 * STEPS),
            gauge=replace(config.gauge, every=None),
        )
        trainer = {**config.trainer, "max_steps": STEPS, "enable_progress_bar": False}
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
    return step, _seconds_of_encoding(target, part, config)


def _audit(config: Settings, split: Split, source: Model, trained: dict[str, Model]) -> list[Phase]:
    """Every sitting of an audit, at the speed of the model that stands for the target."""
    models = trained or {role: source for role in ROLES if split.of(role, True) or role == "target"}
    check_rules(config.attacks, calibrated="shadow" in models)
    options = config.audit
    named = (options.reference, options.variant, config.target.config)
    reference, _ = find_reference(source.source, *named)
    if not trained and options.reference == "base":
        reference = source
    place = torch.device("cuda", 0) if on_gpu(config) else torch.device("cpu")
    target = load(source, options).to(place)
    query = _seconds_when_asked(target, split, config)
    sittings = plan(models, reference, config.attacks, options)
    return [_asking(sitting, split, query) for sitting in sittings]


def _asking(sitting: Sitting, split: Split, query: float) -> Phase:
    cost = tally(sitting.attacks, sizes(split, sitting.role))
    gradients = f" and {cost.backward_total:,} backward passes" if cost.backward_total else ""
    work = f"{cost.total:,} queries of {1000 * query:.2f} ms{gradients}"
    return Phase(f"audit {sitting.table}", work, _calls(cost) * query)


def _calls(cost: Cost) -> int:
    """Queries, a backward pass counted for as many as it takes as long as."""
    return cost.total + BACKWARD * cost.backward_total


def _seconds_when_asked(target: Target, split: Split, config: Settings) -> float:
    """Of a query, everything about it included: all attacks ask about a batch, or a part of one
    that takes no longer than is worth it.
    """
    options, attacks = config.audit, config.attacks
    bare = seconds_of_a_query(target, config)
    each = _calls(tally(attacks, {1: 1}))
    count = max(1, min(options.batch_size, int(WORTH / (bare * each))))
    part = only(split, {entry.id for entry in split.of("target")[:count]})
    side = target.side(config.data.resolution)
    claims = claim(target, part, attacks, options, config.seed, side)
    data = CaptionedImages(
        part, config.data, "target", seed=config.seed, side=side, batch_size=options.batch_size
    )
    plain = {**config.trainer, "enable_progress_bar": False}
    with TemporaryDirectory() as folder:
        trainer = asking_trainer(plain, "check")
        start = time.perf_counter()
        ask(target, data, attacks, claims, Path(folder) / "shards", trainer)
        took = time.perf_counter() - start
    return took / _calls(tally(attacks, sizes(part, "target")))


@torch.no_grad()
def _seconds_of_encoding(target: Target, split: Split, config: Settings) -> float:
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


def _memory() -> str:
    """The most that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    host = f"{scaled(held)}B in a process"
    if not torch.cuda.is_available() or not torch.cuda.max_memory_allocated():
        return host
    return f"{host}, {scaled(torch.cuda.max_memory_allocated())}B on the device"


def _disk(config: Settings, phases: Sequence[Phase], source: Model) -> str:
    """Bytes that a run leaves: the models that it exports."""
    exported = sum(phase.name.startswith("train") for phase in phases)
    if not exported:
        return "disk: tables alone"
    folder = Path(locate(source.source.path))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    checkpoints = len(config.finetune.checkpoints)
    return f"disk: about {scaled(exported * (1 + checkpoints) * size)}B of exported models"
