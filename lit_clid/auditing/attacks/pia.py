"""PIA and PIAN: is the model's own answer on z_0 repeated at t? (Kong et al., ICLR 2024)."""

from dataclasses import dataclass
from math import pi, sqrt

from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack, check_power
from lit_clid.auditing.oracle import Oracle
from lit_clid.models.diffusion import diffuse, expand, power_sum


@dataclass(frozen=True)
class PIA(Attack):
    """−‖e_0 − ε_θ(α_t·z_0 + σ_t·e_0, t, c)‖_p^p with e_0 = ε_θ(z_0, 0, c).

    Args:
        t: timestep of the second query.
        p: of the norm.
    """

    t: int = 200
    p: float = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_power(self.p)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return ((self.t,),)

    def signal(self, oracle: Oracle) -> Tensor:
        e_0 = self.noise(oracle.clean(0, self.asked_under))
        z_t = diffuse(oracle.latents, e_0, *oracle.schedule(self.t))
        return -power_sum(e_0 - oracle.eps(z_t, self.t, self.asked_under), self.p)[:, None]

    def noise(self, e_0: Tensor) -> Tensor:
        """What takes the place of ε: the prediction itself."""
        return e_0


@dataclass(frozen=True)
class PIAN(PIA):
    """PIA with e_0 scaled to mean |e_0| = √(2/π), which is the mean of |N(0, 1)| (the
    normalisation of PIA eq. 10).
    """

    def noise(self, e_0: Tensor) -> Tensor:
        """The prediction scaled like a standard normal, record by record."""
        size = e_0.abs().flatten(1).mean(1)
        return e_0 * expand(sqrt(2 / pi) / size, e_0)
