"""`check`: what a configuration would take on this machine, measured on a few batches.

Records, split and queries are those of the run. Seconds come from some optimiser steps and some
calls of the models themselves, memory from this process while it made them; what they make is
thrown away.
"""

import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from lit_clid import console
from lit_clid.auditing.lineage import Model, find_models, find_reference
from lit_clid.auditing.queries import tally
from lit_clid.auditing.run import asking_trainer
from lit_clid.auditing.several import sizes
from lit_clid.auditing.sittings import Sitting, load, plan
from lit_clid.commands.checks import (
    alone_of,
    check_answerable,
    check_headline,
    check_part,
    check_stacked,
)
from lit_clid.commands.dry import dealt, scaled
from lit_clid.commands.measuring import (
    calls_of,
    seconds_of_judging,
    seconds_of_training,
    seconds_when_asked,
)
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import on_gpu
from lit_clid.config.options.data import ROLES
from lit_clid.data.split import Split
from lit_clid.models.load import check_target
from lit_clid.models.needs import Ask, reckon
from lit_clid.models.weights import INDEX
from lit_clid.training.trainer import check_steps


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
    """`lit-clid check`."""
    check(read(arguments))


def check(config: Settings, *, trains: bool = False) -> None:
    """Check a configuration.

    Args:
        trains: what is put on the base is to be trained on, not somebody's to be audited.

    Raises:
        UserError: for what its training or its audit would refuse.
    """
    check_part(config)
    check_headline(config)
    source, trained = _model(config, trains=trains)
    models = trained or {"target": source}
    own = config.audit.target is None and (config.folder / "target" / INDEX).is_file()
    elsewhere = bool(trained) and not own
    check_stacked(config, calibrated="shadow" in trained or not elsewhere)
    split = dealt(config, source.source, alone=alone_of(config, models))
    if not elsewhere:
        models = {**_foreseen(source, split), **trained}
    check_stacked(config, calibrated="shadow" in models)
    check_answerable(config, models, split, there=bool(trained))
    phases: list[Phase] = []
    roles = _untrained(config, split)
    if not elsewhere and roles:
        phases += _trainings(config, split, roles)
    phases += _audit(config, split, models, there=bool(trained))
    records = {role: len(split.of(role)) for role in ROLES if split.of(role)}
    counts = ", ".join(f"{count:,} of the {role}" for role, count in records.items())
    rows = [("phase", "work", "time"), *((p.name, p.work, console.span(p.seconds)) for p in phases)]
    total = sum(phase.seconds for phase in phases)
    console.say(f"check of {config.name}: {counts}; {len(split.skipped)} left out")
    console.say(
        console.aligned([*rows, ("all", "one after the other", console.span(total))], ruled=True)
    )
    console.say(f"memory: {_memory()}; {_disk(config, phases, source)}")
    console.say("measured on a few batches of this machine; nothing of it is kept")


def _model(config: Settings, *, trains: bool) -> tuple[Model, dict[str, Model]]:
    """The model that stands for the target, and those that are there already."""
    named = config.audit.target is not None or (config.target.source.parts and not trains)
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
    check_steps(config.trainer)
    step, record = seconds_of_training(replace(config, role=roles[0]), split)
    steps, phases = config.trainer["max_steps"], list[Phase]()
    for role in roles:
        count = len(split.of(role, True))
        work = f"{steps:,} steps of {1000 * step:.0f} ms on {count} members"
        phases.append(Phase(f"train {role}", work, steps * step + count * record))
    return phases


def _foreseen(source: Model, split: Split) -> dict[str, Model]:
    """The models that will be asked once they are trained, for which one stands."""
    return {role: source for role in ROLES if split.of(role, True) or role == "target"}


def _audit(
    config: Settings, split: Split, models: Mapping[str, Model], *, there: bool
) -> list[Phase]:
    """Every sitting of an audit, at the speed of the target or of what stands for it."""
    source = models["target"]
    options = config.audit
    named = (options.reference, options.variant, config.target.config)
    reference, _ = find_reference(source.source, *named)
    if not there and options.reference == "base":
        reference = source
    place = torch.device("cuda", 0) if on_gpu(config) else torch.device("cpu")
    target = load(source, options).to(place)
    query = seconds_when_asked(target, split, config)
    sittings = plan(models, reference, config.attacks, options)
    processes = asking_trainer(config.trainer, "check").world_size
    phases = [_asking(sitting, split, query, processes) for sitting in sittings]
    roles = ROLES if "shadow" in models else ROLES[:1]
    took = seconds_of_judging(config, split, target, roles, referred=reference is not None)
    return [*phases, Phase("judge", "every attack, controls aside", took)]


def _asking(sitting: Sitting, split: Split, query: float, processes: int) -> Phase:
    """A sitting, whose records the processes share."""
    cost = tally(sitting.attacks, sizes(split, sitting.role))
    gradients = f" and {cost.backward_total:,} backward passes" if cost.backward_total else ""
    if not torch.cuda.is_available():  # one process was timed on all cores
        processes = 1
    beside = f" in {processes} processes" if processes > 1 else ""
    work = f"{cost.total:,} queries of {1000 * query:.2f} ms{gradients}{beside}"
    return Phase(f"audit {sitting.table}", work, calls_of(cost) * query / processes)


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
    needs = reckon(source.source, Ask(config.data.resolution, 1, 1, torch.float32))
    size = 4 * (needs.network + needs.encoders + needs.autoencoder)
    checkpoints = len(config.finetune.checkpoints)
    return f"disk: about {scaled(exported * (1 + checkpoints) * size)}B of exported models"
