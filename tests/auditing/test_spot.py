"""A spot check: the attack's own signals, whatever the batches."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from toys import Toy, toy_records

from lit_clid.auditing.attacks import CLiD
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.auditing.spot import ROWS, spot_signals


@dataclass
class Records:
    """A batch as the records of a role."""

    batch: Batch

    @property
    def entries(self) -> list[Any]:
        return [SimpleNamespace(id=name) for name in self.batch.ids]

    @property
    def captions(self) -> tuple[str, ...]:
        return self.batch.captions

    def images(self, rows: range) -> torch.Tensor:
        return self.batch.images[rows.start : rows.stop]


def test_the_signals_are_those_of_one_batch_of_all() -> None:
    records, attack = toy_records(2 * ROWS + 3), CLiD("null")
    some = Batch(records.ids[:5], records.images[:5], records.captions[:5])
    data: Any = SimpleNamespace(known=Records(records), holdouts=Records(some))
    found, member = spot_signals(attack, Toy(), data, 2 * ROWS + 1, 5, torch.device("cpu"))
    assert member.tolist() == [True] * (2 * ROWS + 1) + [False] * 5
    alone = attack.signal(ModelOracle(Toy(), records, 5)).double().numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(found[member], alone[: 2 * ROWS + 1], rtol=1e-6)  # float32 means
    np.testing.assert_allclose(found[~member], alone[:5], rtol=1e-6)
    other, _ = spot_signals(attack, Toy(), data, 2 * ROWS + 1, 6, torch.device("cpu"))
    assert not np.isclose(found, other).all()
