"""A spot check: one attack asked about a few records, in memory, without shards or a table."""

from collections.abc import Iterator

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


def spot_signals(
    attack: Signals,
    target: Target,
    data: CaptionedImages,
    count: int,
    seed: int,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Ask about the first `count` members and hold-outs of a role, as an audit sees them.

    Args:
        attack: that is asked.
        target: the model.
        data: of the role; where it has fewer of a kind, all of them are asked about.
        count: of each kind.
        seed: of all noise.
        device: the model's.

    Returns:
        The attack's columns (N, F), float64, larger = more member-like, and who is a member (N,).
    """
    signals, member = [], []
    with target.awake():
        for records, kind in ((data.known, True), (data.holdouts, False)):
            for batch in _batches(records, count, device):
                signals.append(attack.signal(ModelOracle(target, batch, seed)).double().cpu())
                member += [kind] * len(batch.ids)
    return np.asarray(torch.cat(signals).numpy()), np.array(member)


def _batches(records: RecordSet, count: int, device: torch.device) -> Iterator[Batch]:
    """The first records, under the captions that an audit uses."""
    most = min(count, len(records.entries))
    for start in range(0, most, ROWS):
        rows = range(start, min(start + ROWS, most))
        part = slice(rows.start, rows.stop)
        ids = tuple(entry.id for entry in records.entries[part])
        yield Batch(ids, records.images(rows).to(device), tuple(records.captions[part]))
