"""The denoising loss of every record, under its caption and under the empty one, as signals of a
table.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.attacks.attack import check_timesteps
from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.oracle import Oracle, Question, draw_names
from lit_clid.config.options.experiment import UtilityOptions
from lit_clid.models.diffusion import Target

DENOISING = "utility"
"""Name of these signals and of their table: utility_conditional, utility_unconditional."""


@dataclass(frozen=True)
class Denoising(Attack):
    """−ℓ(c) and −ℓ(∅), each the mean over timesteps spread over the schedule and over draws of ε.

    On hold-outs −ℓ(c) is utility, ℓ(∅) − ℓ(c) says how much the caption helps (text alignment), and
    the members' ℓ(c) beside them tells the generalisation gap.

    Args:
        t: timesteps.
        draws: of ε at each.
    """

    t: tuple[int, ...] = (100, 300, 500, 700, 900)
    draws: int = 2

    def columns(self, target: Target) -> tuple[str, ...]:
        return ("conditional", "unconditional")

    def check(self, target: Target, captions: object) -> str:
        check_timesteps(self.t, target)
        return ""

    def signal(self, oracle: Oracle) -> Tensor:
        def loss(condition: object) -> Tensor:
            return oracle.errors(
                [Question(t, condition, draw) for t in self.t for draw in draw_names(self.draws)]  # type: ignore[arg-type]
            ).mean(1)

        return torch.stack([-loss(CAPTION), -loss(NULL)], dim=1)


def denoising(options: UtilityOptions) -> Denoising:
    """The held-out loss that `options` ask for."""
    return Denoising(tuple(options.t), options.draws, title="held-out loss")
