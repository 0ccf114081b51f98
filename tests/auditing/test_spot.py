"""A spot check: the attack's own signals, whatever the batches."""

import numpy as np
import torch
from toys import Toy, toy_records

from lit_clid.auditing.attacks import CLiD
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.spot import ROWS, spot_signals


def test_the_signals_are_those_of_one_batch_of_all() -> None:
    records, attack = toy_records(2 * ROWS + 3), CLiD("null")
    found = spot_signals(attack, Toy(), records, 5, torch.device("cpu"))
    alone = attack.signal(ModelOracle(Toy(), records, 5)).double().numpy()
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, alone, rtol=1e-6)  # float32 means
    other = spot_signals(attack, Toy(), records, 6, torch.device("cpu"))
    assert not np.isclose(found, other).all()
