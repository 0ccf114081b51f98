"""Loss attacks: the denoising error itself (Matsumoto et al. 2023) and its mean over the CLiD draws."""

from dataclasses import dataclass

from torch import Tensor

from lit_clid.attacks.attack import Attack, check_timesteps
from lit_clid.oracle import Oracle, Question


@dataclass(frozen=True)
class Loss(Attack):
    """−mean over t of ‖ε_θ(z_t, t, c) − ε‖², one draw per t.

    Args:
        t: timesteps; (450,) is the Loss attack, (440, 450, 460) the Monte Carlo loss −ℓ(c).
        title: what the report calls it.
    """

    t: tuple[int, ...] = (450,)
    title: str = "Loss"

    def check(self, timesteps: int) -> None:
        check_timesteps(self.t, timesteps)

    def signal(self, oracle: Oracle) -> Tensor:
        return -oracle.errors([Question(t) for t in self.t]).mean(1, keepdim=True)
