"""The chosen defenses together: what they make of captions, images and embeddings, in the order
in which they stand.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from torch import Tensor

from lit_clid.errors import UserError, few
from lit_clid.models.embedding import Embedding
from lit_clid.randomness import generator, stream
from lit_clid.training.defenses.captions import EmbeddingNoise
from lit_clid.training.defenses.defense import (
    CaptionDefense,
    Defense,
    Dice,
    EmbeddingDefense,
    ImageDefense,
    Texts,
)
from lit_clid.training.defenses.dp import DPSGD
from lit_clid.training.defenses.images import augment
from lit_clid.training.defenses.member_aware import MemberAware
from lit_clid.training.defenses.stopping import EarlyStopping, PrivacyBudget, StepBudget

Kind = TypeVar("Kind", bound=Defense)
Augmenter = Callable[[Tensor, int, int], Tensor]
"""(images (B, 3, H, W) in [−1, 1], batch number, rank) → images."""
ALONE = (DPSGD, MemberAware, EarlyStopping, StepBudget, PrivacyBudget, EmbeddingNoise)
"""Kinds of which a run can have one."""


@dataclass(frozen=True)
class Defenses:
    """Defenses by name; none at all is a valid choice.

    Raises:
        UserError: if two of them contradict each other.
    """

    chosen: Mapping[str, Defense] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in ALONE:
            names = list(self.of(kind))
            if len(names) > 1:
                raise UserError(f"defenses: {few(names)} are of one kind; keep one of them")
        if self.dp is None:
            return
        mixing = [name for name, defense in self.chosen.items() if defense.across_records]
        if mixing:
            raise UserError(
                f"defenses: {few(mixing)} put something of one member into another's example, so "
                "that dp's per-record clipping would bound nothing; leave one of them out"
            )
        probing = [name for name, defense in self.chosen.items() if defense.probes_members]
        if probing:
            raise UserError(
                f"defenses: {few(probing)} looks at members outside of dp's noise, which its ε "
                "does not count; leave one of them out"
            )

    def of(self, kind: type[Kind]) -> dict[str, Kind]:
        """The chosen defenses of a kind."""
        return {name: defense for name, defense in self.chosen.items() if isinstance(defense, kind)}

    def one(self, kind: type[Kind]) -> Kind | None:
        """The chosen defense of a kind that a run has at most once."""
        return next(iter(self.of(kind).values()), None)

    @property
    def dp(self) -> DPSGD | None:
        return self.one(DPSGD)

    @property
    def needs_pixels(self) -> bool:
        """True if a member's image differs from step to step, so that its latent cannot be kept."""
        return bool(self.of(ImageDefense))

    @property
    def redraws_captions(self) -> bool:
        """True if a member's caption differs from pass to pass."""
        return any(defense.redraw for defense in self.of(CaptionDefense).values())

    @property
    def stops_on_validation(self) -> bool:
        """True if how often is validated changes which weights are exported."""
        return self.one(EarlyStopping) is not None or self.one(PrivacyBudget) is not None

    @property
    def edits_captions(self) -> bool:
        """True if members are trained under other captions than they are audited under."""
        return bool(self.of(CaptionDefense))

    @property
    def facts(self) -> dict[str, Any]:
        """What a trained model depends on, flat, as JSON would give it back."""
        facts: dict[str, Any] = {}
        for name, defense in self.chosen.items():
            facts[f"defenses.{name}"] = type(defense).__name__
            for key, value in asdict(defense).items():
                facts[f"defenses.{name}.{key}"] = list(value) if isinstance(value, tuple) else value
        return facts

    def check(self, texts: Texts) -> None:
        """Refuse caption defenses that these members cannot serve."""
        for name, defense in self.of(CaptionDefense).items():
            try:
                defense.check(texts)
            except ValueError as error:
                raise UserError(f"defenses.{name}: {error}") from None

    def captions(self, texts: Texts, seed: int, passes: int) -> list[str]:
        """The members' captions in a pass over them: a function of (seed, record, pass), or of
        (seed, record) alone.
        """
        captions = list(texts.own)
        for name, defense in self.of(CaptionDefense).items():
            when = str(passes) if defense.redraw else "once"
            captions = defense.edit(captions, texts, _dice(texts, seed, name, when))
        return captions

    def augmenter(self, side: int, seed: int) -> Augmenter | None:
        """The image augmentation of square images, or None."""
        modules = {name: defense.build(side) for name, defense in self.of(ImageDefense).items()}

        def apply(images: Tensor, batch: int, rank: int) -> Tensor:
            for name, module in modules.items():
                images = augment(module, images, stream(seed, name, batch, rank))
            return images

        return apply if modules else None

    def embed(self, embedding: Embedding, seed: int, batch: int, rank: int) -> Embedding:
        """The embedding of one training batch."""
        for name, defense in self.of(EmbeddingDefense).items():
            embedding = defense.apply(embedding, generator(seed, name, batch, rank))
        return embedding


def _dice(texts: Texts, seed: int, name: str, when: str) -> Dice:
    """One generator per record."""
    return lambda row: generator(seed, name, texts.ids[row], when)
