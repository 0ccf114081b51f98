"""Loss attacks: the denoising error itself (Matsumoto et al. 2023), at one t or at several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Question, draw_names


@dataclass(frozen=True)
class Loss(Attack):
    """−mean over t and draws of ‖ε_θ(z_t, t, c) − ε‖².

    Args:
        t: timesteps; (450,) is the Loss attack, (440, 450, 460) the Monte Carlo loss −ℓ(c).
        draws: draws of ε per t.
    """

    swept: ClassVar[Mapping[str, str | None]] = {"t": "draws"}
    t: tuple[int, ...] = (450,)
    draws: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        draw_names(self.draws)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        c, draws = self.asked_under, draw_names(self.draws)
        questions = [Question(t, c, draw) for t in self.t for draw in draws]
        return -oracle.errors(questions).mean(1, keepdim=True)
