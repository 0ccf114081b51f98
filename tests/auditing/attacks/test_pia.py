from math import pi, sqrt

import torch

from lit_clid.auditing.attacks import PIA, PIAN


def test_pian_does_not_care_how_large_the_first_answer_is() -> None:
    e_0 = torch.randn(5, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    scaled = PIAN().noise(e_0)
    torch.testing.assert_close(scaled.abs().mean((1, 2, 3)), torch.full((5,), sqrt(2 / pi)))
    torch.testing.assert_close(PIAN().noise(7 * e_0), scaled)
    assert torch.equal(PIA().noise(e_0), e_0)
