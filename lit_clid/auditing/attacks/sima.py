"""SimA: the size of the noise that the model sees in a latent without any (2025)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack, check_power
from lit_clid.auditing.oracle import Oracle
from lit_clid.models.diffusion import power_sum


@dataclass(frozen=True)
class SimA(Attack):
    """−‖ε_θ(z_0, t, c)‖_p^p on the noise-free latent, summed over t.

    Args:
        t: timesteps, one query each.
        p: of the norm.
    """

    t: tuple[int, ...] = (100,)
    p: float = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_power(self.p)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        norms = [power_sum(oracle.clean(t, self.asked_under), self.p) for t in self.t]
        return -torch.stack(norms, dim=1).sum(1, keepdim=True)
