import numpy as np
from toys import Constant, toy_records

from lit_clid.auditing.attacks import SimA
from lit_clid.auditing.oracle import Oracle


def test_sima_is_a_norm_of_a_known_tensor() -> None:
    oracle = Oracle(Constant(), toy_records(3))
    for p in (1, 2, 4):
        expected = -np.sum(np.abs(np.linspace(-1, 1, 64)) ** p)
        np.testing.assert_allclose(SimA(p=p).signal(oracle).numpy(), expected, rtol=1e-5)
