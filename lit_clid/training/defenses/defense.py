"""What a defense is: a frozen dataclass of its parameters, changing one thing in training and
nothing elsewhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from lit_clid.data.split import Split
from lit_clid.data.texts import Each
from lit_clid.models.embedding import Embedding

Dice = Callable[[int], torch.Generator]
"""Row of a member → its own generator."""


@dataclass(frozen=True)
class Texts:
    """The captions of all N members.

    Args:
        ids: N record ids.
        own: each record's caption, the one that an audit uses.
        others: each record's further captions or rephrasings, if the data have any.
    """

    ids: Sequence[str]
    own: Sequence[str]
    others: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, split: Split, role: str) -> "Texts":
        """Those of a role's members."""
        members = split.of(role, True)
        others = Each(split.places.others, split.numbers(members))
        return cls(members.ids, split.captions(members), others)


@dataclass(frozen=True)
class Defense(ABC):
    """Raises ValueError when built from values that no training could use."""

    across_records: ClassVar[bool] = False
    """True if one record's training example holds something of another record."""
    probes_members: ClassVar[bool] = False
    """True if what is released depends on questions about members."""

    @abstractmethod
    def describe(self) -> str:
        """What it does, in a few words with its numbers."""


@dataclass(frozen=True)
class CaptionDefense(Defense):
    """Changes the captions that members are trained on.

    Args:
        redraw: draw anew in every pass over the members; false draws once, before training, as
            published work does.
    """

    redraw: bool = field(default=True, kw_only=True)

    @abstractmethod
    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        """The captions (N) of one pass, made from those that earlier defenses left."""

    def check(self, texts: Texts) -> None:
        """Raise ValueError if these records cannot be defended so."""

    @property
    def how_often(self) -> str:
        return "drawn anew in every pass" if self.redraw else "drawn once"


@dataclass(frozen=True)
class ShareDefense(CaptionDefense):
    """Acts on a share of the captions, or of their words.

    Args:
        share: probability, in (0, 1].
    """

    share: float = 0.1

    def __post_init__(self) -> None:
        check_share("share", self.share)


@dataclass(frozen=True)
class ImageDefense(Defense):
    """Changes the images (B, 3, H, W) that members are trained on, on the training device.

    Args:
        probability: that an image is changed; for CutMix and MixUp, that a batch is.
    """

    probability: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        check_share("probability", self.probability)

    @abstractmethod
    def build(self, side: int) -> torch.nn.Module:
        """The kornia augmentation of square images (B, 3, side, side) in [0, 1]."""


@dataclass(frozen=True)
class EmbeddingDefense(Defense):
    """Changes the embedding that members are trained under."""

    @abstractmethod
    def apply(self, embedding: Embedding, dice: torch.Generator) -> Embedding:
        """The embedding of one batch; `dice` lies on the CPU."""


@dataclass(frozen=True)
class StoppingDefense(Defense):
    """Ends training before `trainer.max_steps`."""


def check_share(name: str, share: float) -> None:
    """Raise ValueError unless `share` lies in (0, 1]."""
    if not 0 < share <= 1:
        raise ValueError(f"{name} = {share} is not a share in (0, 1]")


def check_range(name: str, values: Sequence[float], low: float, high: float) -> None:
    """Raise ValueError unless `values` are two rising numbers in [low, high]."""
    if len(values) != 2 or not low <= values[0] <= values[1] <= high:
        raise ValueError(
            f"{name} = {list(values)} is not a range [least, most] within {low:g}…{high:g}"
        )


def uniform(dice: torch.Generator, count: int = 1) -> list[float]:
    """Independent uniform numbers in [0, 1)."""
    return torch.rand(count, generator=dice).tolist()


def pick(dice: torch.Generator, count: int) -> int:
    """An even draw from 0…count−1."""
    return int(torch.randint(count, (), generator=dice))
