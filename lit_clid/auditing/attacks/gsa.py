"""GSA: sizes of the loss's gradients, told apart by boosted trees (Pang et al. 2023); white-box."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.oracle import Oracle
from lit_clid.models.target import Target

NORMS = ("of_mean", "mean_of")


@dataclass(frozen=True)
class GSA(Attack):
    """−‖∇_θ ℓ‖₂ per parameter tensor of the denoiser, ℓ the record's losses at t.

    Args:
        t: timesteps, ten equidistant ones in the paper; one draw of ε each.
        norms: "of_mean" for GSA1 (one backward pass of the mean loss), "mean_of" for GSA2 (one
            backward per t, norms averaged).
    """

    rules: ClassVar[tuple[str, ...]] = ("many_trees",)
    t: tuple[int, ...] = tuple(range(0, 1000, 100))
    norms: str = "of_mean"
    rule: str = field(default="many_trees", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.norms not in NORMS:
            raise ValueError(f"norms {self.norms!r} is not {' or '.join(NORMS)}")

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def columns(self, target: Target) -> tuple[str, ...]:
        return target.white_box().parameter_names

    def check(self, target: Target, captions: Sequence[str]) -> str:
        remark = super().check(target, captions)
        try:
            target.white_box().check()
        except ValueError as error:
            raise ValueError(f"needs gradients, and {error}") from None
        return remark

    def signal(self, oracle: Oracle) -> Tensor:
        backward = 1 if self.norms == "of_mean" else len(self.t)
        norms = oracle.gradient_norms(self.t, self.asked_under, backward)
        return -(norms.mean if self.norms == "of_mean" else norms.each.mean(1))
