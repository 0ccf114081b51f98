"""What an audit will take, told before it begins: phases, queries, and about how long."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from lit_clid import console
from lit_clid.asked import Cost
from lit_clid.auditing.lineage import Model
from lit_clid.auditing.queries import tally
from lit_clid.auditing.several import sizes
from lit_clid.auditing.sittings import Sitting
from lit_clid.commands.reading import Settings
from lit_clid.commands.sitting import settled_ids
from lit_clid.commands.splits import on_gpu
from lit_clid.data.split import Split
from lit_clid.models.target import Target, without_tf32

FEW = 100
"""Calls of the denoiser below which two more, to learn how long one takes, are not worth it."""
BACKWARD = 2
"""Queries that a backward pass takes as long as."""


def foretold(
    sittings: Sequence[Sitting],
    targets: Mapping[Model, Target],
    config: Settings,
    split: Split,
    folder: Path,
) -> str | None:
    """The whole plan of an audit in a line; None if everything was asked before.

    Args:
        sittings: in their order.
        targets: of which the first that is asked is timed.
        folder: where the tables lie.
    """
    pending = [(sitting, _pending(sitting, split, folder)) for sitting in sittings]
    left = [(sitting, cost) for sitting, cost in pending if cost.total]
    if not left:
        return None
    total, took = sum(cost.total for _, cost in left), ""
    if left[0][0] is sittings[0] and _alone(config):  # whose model is loaded first
        target = targets[sittings[0].model]
        if total >= FEW * target.rows:
            calls = total + sum(BACKWARD * cost.backward_total for _, cost in left)
            seconds = calls * seconds_of_a_query(target, config)
            took = f", about {console.span(seconds)} with encoding and controls aside"
    parts = ", ".join(f"{sitting.table} {cost.total:,}" for sitting, cost in left)
    phases = f"{len(left)} phases" if len(left) > 1 else "one phase"
    return f"plan: {phases}, {total:,} queries{took} ({parts})"


def _pending(sitting: Sitting, split: Split, folder: Path) -> Cost:
    """What nobody has asked yet."""
    path = folder / f"{sitting.table}.parquet"
    if path.is_file():
        return tally(sitting.attacks, {})
    there = settled_ids(sitting, split, path)
    return tally(sitting.attacks, sizes(split, sitting.role, there))


def _alone(config: Settings) -> bool:
    """Whether one process asks, on a device whose speed can be tried before."""
    plain = config.trainer.get("accelerator", "auto") == "cpu" or on_gpu(config)
    return plain and config.trainer.get("devices", "auto") in (1, "1")


@torch.no_grad()  # inference would leave weights on a card that cannot be differentiated
def seconds_of_a_query(target: Target, config: Settings) -> float:
    """By a second call of as many rows as one takes."""
    without_tf32()
    place = torch.device("cuda", 0) if on_gpu(config) else torch.device("cpu")
    side, rows = target.to(place).side(config.data.resolution), target.rows
    z = torch.zeros(rows, *target.latent_shape(torch.empty(1, 3, side, side)), device=place)
    t, told = torch.full((rows,), 450, device=place), target.embed([""] * rows)
    start = 0.0
    for _ in range(2):  # the first one warms up
        start = time.perf_counter()
        target.eps(z, t, told).sum().item()
    return (time.perf_counter() - start) / rows
