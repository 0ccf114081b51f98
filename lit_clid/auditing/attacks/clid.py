"""CLiD, the conditional likelihood discrepancy (Zhai et al., NeurIPS 2024)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.conditions import REDUCTIONS, Condition, reduced
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Question, draw_names
from lit_clid.models.target import Target


@dataclass(frozen=True)
class CLiD(Attack):
    """D_i = ℓ(c*_i) − ℓ(c) (eq. 14) for the reduced conditions c*_1…c*_k, then L = −ℓ(c) (eq. 15).

    ℓ is the mean error over the draws (t, ε), the same draws for every condition.

    Args:
        reduction: a key of `conditions.REDUCTIONS`.
        t: timesteps.
        draws: draws of ε per t (M = N = len(t)·draws).
        rule: "robust_mix" for CLiD_th (eq. 16), "boosted_trees" for CLiD_vec (eq. 17–18).
    """

    by_caption: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = ("robust_mix", "boosted_trees")
    swept: ClassVar[Mapping[str, str | None]] = {"t": "draws"}
    proxied: ClassVar[tuple[str, ...]] = ("reduction",)
    reduction: str = "importance"
    t: tuple[int, ...] = (440, 450, 460)
    draws: int = 1
    rule: str = field(default="robust_mix", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        draw_names(self.draws)
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction {self.reduction!r} is not one of {', '.join(REDUCTIONS)}")
        if self.condition == "empty":
            raise ValueError(
                "condition empty leaves nothing to reduce; ask loss or monte_carlo under it"
            )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The caption, then c*_1…c*_k."""
        caption = self.asked_under
        return (caption, *(reduced(caption, reduction) for reduction in REDUCTIONS[self.reduction]))

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def columns(self, target: Target) -> tuple[str, ...]:
        return (*(f"d{k}" for k in range(1, len(self.conditions))), "l")

    def check(self, target: Target, captions: Sequence[str]) -> str:
        super().check(target, captions)
        if self.reduction not in ("clip", "importance"):
            return ""
        texts = captions if self.asked_under.given is None else [self.asked_under.given]
        short = sum(len(text.split()) < 2 for text in texts)
        if not short:
            return ""
        if short == len(texts):
            raise ValueError(
                f"the {self.reduction} reduction takes parts of a caption and every caption is one "
                "word"
            )
        return (
            f"{short} of {len(texts)} captions are one word, of which the {self.reduction} "
            "reduction keeps no part"
        )

    def signal(self, oracle: Oracle) -> Tensor:
        draws = [(t, draw) for t in self.t for draw in draw_names(self.draws)]
        questions = [Question(t, c, draw) for c in self.conditions for t, draw in draws]
        errors = oracle.errors(questions).unflatten(1, (len(self.conditions), len(draws)))
        loss = errors.mean(2)
        own, others = loss[:, :1], loss[:, 1:]
        return torch.cat([others - own, -own], dim=1)
