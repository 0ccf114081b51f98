"""CLiD, the conditional likelihood discrepancy (Zhai et al., NeurIPS 2024)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lit_clid.attacks.attack import Attack, check_timesteps
from lit_clid.captions import CAPTION, REDUCTIONS, Condition
from lit_clid.oracle import Oracle, Question


@dataclass(frozen=True)
class CLiD(Attack):
    """D_i = ℓ(c*_i) − ℓ(c) (eq. 14) for the reduced conditions c*_1…c*_k, then L = −ℓ(c) (eq. 15).

    ℓ is the mean error over the draws (t, ε), the same draws for every condition.

    Args:
        reduction: a key of `captions.REDUCTIONS`.
        t: timesteps, one draw of ε each (M = N = len(t)).
        rule: "robust_mix" for CLiD_th (eq. 16), "boosted_trees" for CLiD_vec (eq. 17–18).
        title: what the report calls it.
    """

    reduction: str = "importance"
    t: tuple[int, ...] = (440, 450, 460)
    rule: str = "robust_mix"
    title: str = "CLiD_th"

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction {self.reduction!r} is not one of {', '.join(REDUCTIONS)}")
        if self.rule not in ("robust_mix", "boosted_trees"):
            raise ValueError(f"rule {self.rule!r} is not robust_mix or boosted_trees")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The caption, then c*_1…c*_k."""
        return (CAPTION, *REDUCTIONS[self.reduction])

    @property
    def columns(self) -> tuple[str, ...]:
        return (*(f"d{k}" for k in range(1, len(self.conditions))), "l")

    def check(self, timesteps: int) -> None:
        check_timesteps(self.t, timesteps)

    def signal(self, oracle: Oracle) -> Tensor:
        questions = [Question(t, condition) for condition in self.conditions for t in self.t]
        loss = oracle.errors(questions).unflatten(1, (len(self.conditions), len(self.t))).mean(2)
        return torch.cat([loss[:, 1:] - loss[:, :1], -loss[:, :1]], dim=1)
