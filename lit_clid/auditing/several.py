"""Signals of records that have several captions: the mean over them, each signal by itself.

A record's noise depends on its id, so that all of its captions are asked about on the same draws,
and what no caption changes is asked once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from lit_clid.auditing.oracle import ModelOracle
from lit_clid.data.split import Split
from lit_clid.ids import Ids

Ask = Callable[[ModelOracle], dict[str, Tensor]]
"""An oracle about B records → columns (B,)."""


def sizes(split: Split, role: str, but: Collection[str] = ()) -> Counter[int]:
    """How many records of a role are asked about under one caption, how many under two, ….

    Args:
        split: whose records.
        role: target or shadow.
        but: ids that are left out.
    """
    own = split.of(role)
    left = own.take(Ids(but).places(own.ids) < 0)
    return Counter(map(len, split.worded(left)))


def averaged(
    once: Ask, each: Ask, oracle: ModelOracle, captions: Sequence[Sequence[str]]
) -> dict[str, Tensor]:
    """The mean of every column (B,) over each record's captions.

    Args:
        once: gives the columns that no caption changes.
        each: gives those that are averaged.
        oracle: about B records under the first caption of each.
        captions: of the records, at least one each.
    """
    counts = torch.tensor([len(own) for own in captions])
    total = each(oracle)
    for k in range(1, int(counts.max())):
        rows = [row for row, own in enumerate(captions) if len(own) > k]
        found = each(oracle.under(rows, [captions[row][k] for row in rows]))
        for column, values in found.items():
            total[column] = total[column].index_add(0, torch.tensor(rows), values)
    means = {column: values / counts for column, values in total.items()}
    return once(oracle) | means
