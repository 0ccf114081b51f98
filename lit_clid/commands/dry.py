"""Dry runs: everything is checked but the weights, and what it would take is said.

Memory is reckoned from shapes (`models.needs`); a library's own workspace, a device's context and
the encoding of texts come on top. Time is the counted work at the rate of this machine's matrix
products, which no network reaches: a lower bound.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from lit_clid import console
from lit_clid.auditing.lineage import Model, find_models, find_reference
from lit_clid.auditing.queries import tally
from lit_clid.auditing.several import sizes
from lit_clid.auditing.sittings import HELD, plan
from lit_clid.commands.checks import (
    alone_of,
    check_answerable,
    check_headline,
    check_part,
    check_stacked,
)
from lit_clid.commands.reading import Settings
from lit_clid.commands.splits import planned_split
from lit_clid.data.deal import Alone
from lit_clid.data.split import Split
from lit_clid.models.captions import caption_keys
from lit_clid.models.denoiser import DTYPES
from lit_clid.models.encodings import CHUNK
from lit_clid.models.load import check_target
from lit_clid.models.needs import Ask, Needs, reckon
from lit_clid.models.weights import INDEX
from lit_clid.source import Source
from lit_clid.training.chosen import choose
from lit_clid.training.sharded import is_sharded
from lit_clid.training.trainer import mixed_precision

NOTHING = "nothing was loaded, asked or written"
SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the matrices that are multiplied to see how fast a device is."""


def dry_audit(config: Settings) -> None:
    """Say what an audit would ask and take; of a target that is not there yet, of its base.

    Raises:
        UserError: for what the audit would refuse.
    """
    check_part(config)
    check_headline(config)
    models, there = _models(config)
    check_stacked(config, calibrated="shadow" in models)
    source, options = models["target"].source, config.audit
    split = dealt(config, source, alone=alone_of(config, models))
    check_answerable(config, models, split, there=there)
    named = (options.reference, options.variant, config.target.config)
    reference, _ = find_reference(source, *named)
    sittings = plan(models, reference, config.attacks, options)
    costs = [tally(sitting.attacks, sizes(split, sitting.role)) for sitting in sittings]
    total = sum(cost.total for cost in costs)
    backward = sum(cost.backward_total for cost in costs)
    dtype = DTYPES[options.precision]
    needs = reckon(source, Ask(config.data.resolution, options.rows, options.batch_size, dtype))
    held, away = _held(needs, dtype, offload=options.offload)
    count = min(len({sitting.model for sitting in sittings}), HELD // (held + away) + 1)
    peak = max(needs.call, needs.encoding)
    device = _device(config.trainer)
    _say(
        f"dry run: audit of {source}",
        [
            ("model", _model(needs)),
            ("data", _records(split, [sitting.role for sitting in sittings])),
            ("asked", f"{len(config.attacks)} attacks, {total:,} evaluations"),
            *_gradients(backward),
            ("memory", _memory({"model": held, f"a call of {options.rows} rows": peak})),
            (
                "host",
                f"at most {count} of such models at a time: {scaled(count * (held + away))}B",
            ),
            ("work", f"{scaled(needs.work)}FLOP an evaluation"),
            ("time", _time((total + 2 * backward) * needs.work, device, dtype)),
        ],
    )


def dry_training(
    config: Settings, members: int, steps: int, remarks: Sequence[str], processes: int = 1
) -> None:
    """Say what training one role would take.

    Args:
        members: to train on.
        steps: of the optimiser.
        remarks: of the defenses.
        processes: that train.
    """
    options, base = config.finetune, config.target.source
    family = check_target(base)
    mixed = mixed_precision(config.trainer)
    dtype = mixed or torch.float32
    size = options.batch_size
    select = partial(choose, family=family, options=options)
    images = size if options.cache == "never" else CHUNK
    needs = reckon(base, Ask(config.data.resolution, size, images, dtype, select))
    averaged = bool(options.ema_decay or options.average_from)
    held, _ = _held(needs, torch.float32, offload=config.target.offload)
    device = _device(config.trainer)
    halved = 2 * needs.frozen if mixed is not None and device.type == "cuda" else 0
    network, shares = 4 * needs.network, processes if is_sharded(config.trainer) else 1
    parts = {
        "model": held - network + (network - halved) // shares,
        "gradients and Adam": 12 * needs.trained // shares,
        "weights in half precision": 0 if mixed is None else 2 * needs.trained // shares,
        "average": 4 * needs.trained // shares if averaged else 0,
        f"a call of {size} rows": max(needs.call, needs.encoding),
    }
    batches = steps * config.trainer.get("accumulate_grad_batches", 1)
    work = batches * size * needs.work
    lines = [
        ("model", _model(needs)),
        ("trained", f"{options.train}: {needs.trained:,} of {needs.network:,} parameters"),
        ("data", f"{members} members"),
        ("memory", _memory(parts)),
        ("work", f"{scaled(needs.work)}FLOP a record and step; {batches:,} batches of {size}"),
        ("time", _time(work, device, dtype)),
        *(("note", remark) for remark in remarks),
    ]
    _say(f"dry run: training {config.role} from {base}", lines)


def _say(title: str, lines: Sequence[tuple[str, str]]) -> None:
    told = [(f"  {name}", text) for name, text in lines]
    console.say(f"{title}\n{console.aligned(told)}\n{NOTHING}")


def dealt(config: Settings, model: str | Source, *, alone: Alone = Alone.NO) -> Split:
    """The split as the run would deal it; what it leaves is thrown away."""
    same = partial(caption_keys, model)
    with TemporaryDirectory() as folder:
        return planned_split(config, Path(folder), same, alone=alone)


def _models(config: Settings) -> tuple[dict[str, Model], bool]:
    """The models to audit, or the base in place of a target that nobody trained yet; and whether
    they are there.
    """
    index = config.folder / "target" / INDEX
    base = config.target.source
    if config.audit.target is not None or index.is_file() or base.parts:
        return find_models(config.folder, config.audit, config.target), True
    console.say(f"{config.folder / 'target'} is not trained yet: reckoned for its base")
    return {"target": Model(base)}, False


def _records(split: Split, roles: Sequence[str]) -> str:
    counts = [f"{len(split.of(role)):,} records of the {role}" for role in dict.fromkeys(roles)]
    return ", ".join(counts)


def _model(needs: Needs) -> str:
    sizes = (
        ("network", needs.network),
        ("text encoders", needs.encoders),
        ("autoencoder", needs.autoencoder),
    )
    told = ", ".join(f"{name} {scaled(size)}" for name, size in sizes if size)
    return f"{needs.title} at {needs.side} × {needs.side} pixels; parameters: {told}"


def _held(needs: Needs, dtype: torch.dtype, *, offload: bool) -> tuple[int, int]:
    """Bytes of a model's weights on the device, and of encoders that stay on the host; both are
    kept in float32.
    """
    encoders = 4 * needs.encoders
    held = needs.network * dtype.itemsize + 4 * needs.autoencoder
    return (held, encoders) if offload else (held + encoders, 0)


def _gradients(passes: int) -> list[tuple[str, str]]:
    text = f"and {passes:,} backward passes, whose memory is not reckoned"
    return [("", text)] if passes else []


def _memory(parts: Mapping[str, int]) -> str:
    each = ", ".join(f"{name} {scaled(size)}B" for name, size in parts.items() if size)
    return f"about {scaled(sum(parts.values()))}B on the device: {each}"


def scaled(number: float) -> str:
    """ "12.3 M": three digits and the prefix that they need."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {prefix}"
    return f"{number:.0f} "


def _device(trainer: Mapping[str, Any]) -> torch.device:
    """Where Lightning would work."""
    wanted = trainer.get("accelerator", "auto")
    is_gpu = wanted in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if is_gpu else "cpu")


def _time(work: float, device: torch.device, dtype: torch.dtype) -> str:
    rate = _rate(device, dtype)
    each = "" if device.type == "cpu" else ", on one of them"
    said = f"at least {_duration(work / rate)} here{each}"
    return f"{said} (matrix products on this {device.type}: {scaled(rate)}FLOP/s)"


def _duration(seconds: float) -> str:
    for name, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


def _rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a product of matrices."""
    side = SIDE[device.type]
    matrix = torch.ones(side, side, dtype=dtype, device=device)
    times: list[float] = []
    for _ in range(4):
        start = time.perf_counter()
        found = matrix @ matrix
        found[0, 0].item()  # waits for the device
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times[1:])
