"""A spot check: one attack asked about a few records, in memory, without shards or a table."""

from dataclasses import dataclass

import numpy as np
import torch

from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.auditing.signals import Signals
from lit_clid.data.module import CaptionedImages
from lit_clid.data.records import RecordSet
from lit_clid.models.target import Target

ROWS = 32
"""Records per batch; never changes a score."""


@dataclass(frozen=True)
class Spot:
    """The records of a spot check.

    Args:
        records: N of them, their images on the CPU.
        member: (N,) bool.
    """

    records: Batch
    member: np.ndarray


def spot_of(data: CaptionedImages, count: int) -> Spot:
    """The first `count` members and hold-outs of a role, as an audit sees them."""
    members, holdouts = _first(data.known, count), _first(data.holdouts, count)
    images = torch.cat([members.images, holdouts.images])
    ids, captions = members.ids + holdouts.ids, members.captions + holdouts.captions
    return Spot(Batch(ids, images, captions), np.arange(len(ids)) < len(members.ids))


def spot_signals(
    attack: Signals, target: Target, records: Batch, seed: int, device: torch.device
) -> np.ndarray:
    """The attack's columns (N, F), float64, larger = more member-like.

    Args:
        attack: that is asked.
        target: the model.
        records: N of them.
        seed: of all noise.
        device: the model's.
    """
    parts = []
    for start in range(0, len(records.ids), ROWS):
        batch = _rows(records, slice(start, start + ROWS), device)
        parts.append(attack.signal(ModelOracle(target, batch, seed)).double().cpu())
    return np.asarray(torch.cat(parts).numpy())


def _first(records: RecordSet, count: int) -> Batch:
    """The first records of a role's members or hold-outs, under the captions that an audit uses."""
    ids = tuple(entry.id for entry in records.entries[:count])
    return Batch(ids, records.images(range(len(ids))), tuple(records.captions[:count]))


def _rows(records: Batch, part: slice, device: torch.device) -> Batch:
    return Batch(records.ids[part], records.images[part].to(device), records.captions[part])
