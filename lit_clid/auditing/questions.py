"""What attacks ask of a model, about which records, and what it costs.

A question is (t, condition, draw, view): ε is the record's noise for that draw, z_0 the latent of
that view of its image, z_t = α_t·z_0 + σ_t·ε, and the answer ‖ε_θ(z_t, t, c) − ε‖² averaged over
the latent's elements. t is on the ruler of noise levels (`models.levels`).
"""

from dataclasses import dataclass

from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, Condition
from lit_clid.auditing.views import WHOLE, View

STILL = "still"
"""The draw ε = 0: z_t = α_t·z_0, the mean of q(z_t | z_0)."""


def draw_names(count: int) -> tuple[str, ...]:
    """Names of `count` independent draws of ε at one t; the first is the one all attacks share.

    Raises:
        ValueError: if there is none.
    """
    if count < 1:
        raise ValueError(f"draws = {count} must be at least 1")
    return ("", *map(str, range(1, count)))


@dataclass(frozen=True)
class Batch:
    """Records to ask about.

    Args:
        ids: B record ids.
        images: (B, 3, H, W) in [−1, 1].
        captions: B captions.
        importance: word importances per record from a column of the user's, or None to derive them.
        hashes: of the images as a manifest has them, cut to a square at their centre; None where
            they come from elsewhere.
    """

    ids: tuple[str, ...]
    images: Tensor
    captions: tuple[str, ...]
    importance: tuple[tuple[float, ...] | None, ...] | None = None
    hashes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Question:
    """The error at t; questions with equal t and `draw` share their noise.

    Args:
        t: timestep.
        condition: c, whose text the model is told.
        draw: name of ε, or `STILL`.
        view: whose latent z_0 is.
    """

    t: int
    condition: Condition = CAPTION
    draw: str = ""
    view: View = WHOLE


@dataclass
class Count:
    """Queries per record: `asked` as if the attack ran alone, `evaluated` what a shared run does.

    `backward_asked` and `backward_evaluated` count backward passes of one row in the same way.
    """

    asked: int = 0
    evaluated: int = 0
    backward_asked: int = 0
    backward_evaluated: int = 0
