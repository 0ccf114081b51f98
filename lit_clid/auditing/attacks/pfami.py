"""PFAMI_Met: does the loss rise when the image is cropped a little? (Fu et al. 2023)."""

from dataclasses import dataclass

from torch import Tensor

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Question
from lit_clid.auditing.views import WHOLE, Crop


@dataclass(frozen=True)
class PFAMI(Attack):
    """Mean over t and crops λ of (ℓ_t(crop_λ x) − ℓ_t(x)) / ℓ_t(x), crops in pixel space, noise
    paired.

    Args:
        t: timesteps.
        crops: sides of the centre crops as shares of the image's.
        scale: "relative" divides by ℓ_t(x); "absolute" does not (CLiD's preset).
    """

    t: tuple[int, ...] = tuple(range(0, 500, 50))
    crops: tuple[float, ...] = tuple(round(0.95 - 0.25 * k / 9, 6) for k in range(10))
    scale: str = "relative"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale not in ("relative", "absolute"):
            raise ValueError(f"scale {self.scale!r} is not relative or absolute")
        if not self.crops or not all(0 < share < 1 for share in self.crops):
            raise ValueError(f"crops {list(self.crops)} must be shares between 0 and 1")

    @property
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        return (self.t,)

    def signal(self, oracle: Oracle) -> Tensor:
        views = (WHOLE, *map(Crop, self.crops))
        questions = [Question(t, self.asked_under, view=view) for view in views for t in self.t]
        loss = oracle.errors(questions).unflatten(1, (len(views), len(self.t)))
        whole = loss[:, :1]
        rise = loss[:, 1:] - whole
        if self.scale == "relative":
            rise = rise / whole
        return rise.mean((1, 2))[:, None]
