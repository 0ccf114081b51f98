"""SecMI_stat: how far one deterministic step there and back misses (Duan et al., ICML 2023)."""

from dataclasses import dataclass

from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.oracle import Oracle
from lit_clid.models.diffusion import ddim_step, power_sum


@dataclass(frozen=True)
class SecMI(Attack):
    """−‖z̃_t − z_t‖² (SecMI's t-error): z_t by DDIM inversion of z_0, z̃_t =
    Φ_{t+k→t}(Φ_{t→t+k}(z_t)).

    Args:
        t: the timestep of the comparison.
        k: stride of the inversion, a divisor of t; t/k + 2 queries.
    """

    t: int = 100
    k: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1 or self.t < 1 or self.t % self.k:
            raise ValueError(f"t = {self.t} is not a positive multiple of the stride k = {self.k}")

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return ((self.t, self.t + self.k),)

    def signal(self, oracle: Oracle) -> Tensor:
        c, t, k = self.asked_under, self.t, self.k

        def step(z: Tensor, eps: Tensor, a: int, b: int) -> Tensor:
            return ddim_step(z, eps, oracle.schedule(a), oracle.schedule(b))

        z_t = step(oracle.latents, oracle.clean(0, c), 0, k)
        for a in range(k, t, k):
            z_t = step(z_t, oracle.eps(z_t, a, c), a, a + k)
        there = step(z_t, oracle.eps(z_t, t, c), t, t + k)
        back = step(there, oracle.eps(there, t + k, c), t + k, t)
        return -power_sum(back - z_t, 2)[:, None]
