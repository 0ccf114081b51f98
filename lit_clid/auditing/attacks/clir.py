"""CLiR, the conditional likelihood ratio: does its own caption explain a record best?

This project's own score; it has no paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.conditions import Condition, condition_named
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import STILL, Question, draw_names
from lit_clid.models.target import Target

DECOYS = tuple(
    f"text:{words}"
    for words in (
        "a photograph of a street at night",
        "a dog",
        "a map of a city",
        "abstract painting in blue",
        "two people talking at a table",
        "a bowl of fruit",
        "snow on a mountain",
        "the front page of a newspaper",
        "a cup of coffee",
    )
)
"""Captions of something else: everyday texts, not sifted by what they achieve."""
FLOOR = 1e-12
"""Smallest ℓ whose logarithm is taken; float32 errors below it are rounding."""


@dataclass(frozen=True)
class CLiR(Attack):
    """R(t, ε) = mean_i log ℓ_{t,ε}(c*_i) − log ℓ_{t,ε}(c), on draws without noise and with; one
    column each.

    ℓ_{t,ε}(c) = ‖ε_θ(α_t·z_0 + σ_t·ε, t, c) − ε‖². A *still* draw has ε = 0: the network is shown
    the noise-free mean α_t·z_0 of q(z_t | z_0) and ℓ is the noise it sees there. The c*_i are
    decoys, the same texts for every record. The columns, averages over each kind's draws, are
    scaled on shadow and averaged (rule `scaled_mean`).

    Args:
        still: timesteps of draws without noise; may be empty.
        t: timesteps of draws with noise; may be empty.
        draws: draws of ε per t.
        others: the c*_i, as conditions are named (`DECOYS`, "empty", "text:…"). A decoy that
            happens to describe the records tells nothing about them; several make that harmless.
    """

    by_caption: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = ("scaled_mean",)
    swept: ClassVar[Mapping[str, str | None]] = {"still": None, "t": "draws"}
    proxied: ClassVar[tuple[str, ...]] = ("others",)
    still: tuple[int, ...] = (300,)
    t: tuple[int, ...] = (300, 400)
    draws: int = 1
    others: tuple[str, ...] = DECOYS[:4]
    rule: str = field(default="scaled_mean", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        draw_names(self.draws)
        conditions = [condition_named(name) for name in self.others]
        if not conditions or self.asked_under in conditions:
            raise ValueError(
                f"others {list(self.others)} must be texts other than the condition "
                f"{self.condition!r}"
            )
        if not self.still and not self.t:
            raise ValueError("still and t are both empty; give timesteps")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The caption, then the c*_i."""
        return (self.asked_under, *map(condition_named, self.others))

    def columns(self, target: Target) -> tuple[str, ...]:
        kinds = {"still": self.still, "noisy": self.t}
        return tuple(name for name, t in kinds.items() if t)

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return tuple(t for t in (self.still, self.t) if t)

    def signal(self, oracle: Oracle) -> Tensor:
        still = [(t, STILL) for t in self.still]
        noisy = [(t, draw) for t in self.t for draw in draw_names(self.draws)]
        questions = [Question(t, c, draw) for t, draw in still + noisy for c in self.conditions]
        log_loss = oracle.errors(questions).clamp(min=FLOOR).log()
        by_draw = log_loss.unflatten(1, (len(still + noisy), len(self.conditions)))
        ratio = by_draw[..., 1:].mean(2) - by_draw[..., 0]
        kinds = [kind for kind in ratio.split((len(still), len(noisy)), dim=1) if kind.shape[1]]
        return torch.stack([kind.mean(1) for kind in kinds], dim=1)
