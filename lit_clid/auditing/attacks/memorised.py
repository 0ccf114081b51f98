"""The memorised-prompt detector (Wen et al., ICLR 2024).

How much does the prompt move the first denoising step?
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.conditions import NULL
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import draw_names
from lit_clid.models.diffusion import power_sum


@dataclass(frozen=True)
class MemorisedPrompt(Attack):
    """Mean over draws of ‖ε_θ(ε, t, c) − ε_θ(ε, t, ∅)‖₂ on pure noise; it never looks at the image.

    Args:
        t: where sampling starts: the first of fifty steps.
        draws: starting noises per prompt, two queries each.
    """

    by_caption: ClassVar[bool] = True
    t: int = 981
    draws: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        draw_names(self.draws)
        if self.condition == "empty":
            raise ValueError("condition empty leaves nothing to compare with the empty caption")

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return ((self.t,),)

    def signal(self, oracle: Oracle) -> Tensor:
        moved: list[Tensor] = []
        for name in draw_names(self.draws):
            z = oracle.noise(self.t, name)
            difference = oracle.eps(z, self.t, self.asked_under) - oracle.eps(z, self.t, NULL)
            moved.append(power_sum(difference, 2).sqrt())
        return torch.stack(moved, dim=1).mean(1, keepdim=True)
