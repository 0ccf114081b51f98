"""Caption augmentation: functions from the members' captions to the captions of one pass.

Somepalli et al. 2023, "Understanding and mitigating copying in diffusion models", proposed most of
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lit_clid.models.embedding import Embedding
from lit_clid.training.defenses.defense import (
    CaptionDefense,
    Dice,
    EmbeddingDefense,
    ShareDefense,
    Texts,
    pick,
    uniform,
)


@dataclass(frozen=True)
class CaptionDropout(ShareDefense):
    """Each caption is replaced by the empty one with probability `share` (Ho & Salimans 2022,
    for guidance).
    """

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        return [
            "" if uniform(dice(k))[0] < self.share else caption
            for k, caption in enumerate(captions)
        ]

    def describe(self) -> str:
        return f"{self.share:.0%} of the captions are emptied, {self.how_often}"


@dataclass(frozen=True)
class WordDeletion(ShareDefense):
    """Each word is left out with probability `share`; one word always stays (CLiD, table 5: 10 %
    and 30 %).
    """

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        return [self._thin(caption, dice(k)) for k, caption in enumerate(captions)]

    def _thin(self, caption: str, dice: torch.Generator) -> str:
        words = caption.split()
        if not words:
            return caption
        spared, rolls = pick(dice, len(words)), uniform(dice, len(words))
        kept = [w for w, roll in zip(words, rolls, strict=True) if roll >= self.share]
        return " ".join(kept or [words[spared]])

    def describe(self) -> str:
        return f"{self.share:.0%} of the words are deleted, {self.how_often}"


@dataclass(frozen=True)
class WordShuffle(ShareDefense):
    """The words of a caption stand in random order, in a share of the captions.

    Somepalli et al. 2023, "Understanding and mitigating copying in diffusion models".
    """

    share: float = 1.0

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        return [self._shuffle(caption, dice(k)) for k, caption in enumerate(captions)]

    def _shuffle(self, caption: str, dice: torch.Generator) -> str:
        words = caption.split()
        if uniform(dice)[0] >= self.share:
            return caption
        return " ".join(words[k] for k in torch.randperm(len(words), generator=dice).tolist())

    def describe(self) -> str:
        return f"the words of {self.share:.0%} of the captions are shuffled, {self.how_often}"


@dataclass(frozen=True)
class TokenReplacement(ShareDefense):
    """Each word is replaced with probability `share` by a word drawn evenly from all members'
    captions.

    Somepalli et al. 2023.
    """

    across_records = True

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        vocabulary = sorted({word for caption in texts.own for word in caption.split()})
        return [self._replace(caption, vocabulary, dice(k)) for k, caption in enumerate(captions)]

    def _replace(self, caption: str, vocabulary: Sequence[str], dice: torch.Generator) -> str:
        words = caption.split()
        rolls = uniform(dice, len(words)) if words else []
        return " ".join(
            vocabulary[pick(dice, len(vocabulary))] if roll < self.share else word
            for word, roll in zip(words, rolls, strict=True)
        )

    def describe(self) -> str:
        return (
            f"{self.share:.0%} of the words are replaced by other captions' words, {self.how_often}"
        )


@dataclass(frozen=True)
class SeveralCaptions(CaptionDefense):
    """A record's caption is drawn evenly from all it has: its own, and the further ones of the
    data.

    Somepalli et al. 2023.
    """

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        choices = zip(captions, texts.others, strict=True)
        return [
            (own, *others)[pick(dice(k), 1 + len(others))]
            for k, (own, others) in enumerate(choices)
        ]

    def check(self, texts: Texts) -> None:
        if not any(texts.others):
            raise ValueError(
                "no record has more than one caption; give a caption column of lists, or name one "
                "of further captions with data.rephrasings_column"
            )

    def describe(self) -> str:
        return f"one of each record's captions, {self.how_often}"


@dataclass(frozen=True)
class Rephrasing(ShareDefense):
    """A caption is replaced with probability `share` by one of its rephrasings, drawn evenly.

    Zhai et al. 2024, table 5.

    Args:
        share: probability.
        templates: rephrasings for data that have none, such as "a drawing of {}".
    """

    share: float = 1.0
    templates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        bad = [template for template in self.templates if template.count("{}") != 1]
        if bad:
            raise ValueError(f"template {bad[0]!r} needs exactly one {{}} where the caption goes")

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        return [
            self._rephrase(c, o, dice(k))
            for k, (c, o) in enumerate(zip(captions, texts.others, strict=True))
        ]

    def _rephrase(self, caption: str, others: Sequence[str], dice: torch.Generator) -> str:
        choices = [template.replace("{}", caption) for template in self.templates] or list(others)
        if not choices or uniform(dice)[0] >= self.share:
            return caption
        return choices[pick(dice, len(choices))]

    def check(self, texts: Texts) -> None:
        if not self.templates and not any(texts.others):
            raise ValueError(
                "the data have no rephrasings; name their column with data.rephrasings_column, or "
                "give templates such as 'a drawing of {}'"
            )

    def describe(self) -> str:
        kind = "template" if self.templates else "rephrasing"
        return f"{self.share:.0%} of the captions give way to a {kind}, {self.how_often}"


@dataclass(frozen=True)
class CaptionShuffle(ShareDefense):
    """A random share of the members pass their captions on in a circle: the paper's destructive
    control.

    Zhai et al. 2024, table 5.
    """

    across_records = True
    share: float = 0.5

    def edit(self, captions: Sequence[str], texts: Texts, dice: Dice) -> list[str]:
        rolls = torch.tensor([uniform(dice(k))[0] for k in range(len(captions))])
        circle = rolls.argsort()[: round(self.share * len(captions))].tolist()
        edited = list(captions)
        for k, row in enumerate(circle):
            edited[row] = captions[circle[k - 1]]
        return edited

    def check(self, texts: Texts) -> None:
        if len(set(texts.own)) < 2:
            raise ValueError("all members have one caption; there is nothing to exchange")
        if round(self.share * len(texts.own)) < 2:
            raise ValueError(
                f"share = {self.share} of {len(texts.own)} members leaves nobody to exchange "
                "captions with"
            )

    def describe(self) -> str:
        return f"{self.share:.0%} of the members have another's caption, {self.how_often}"


@dataclass(frozen=True)
class EmbeddingNoise(EmbeddingDefense):
    """Gaussian noise on the text embedding in every step, `scale` times the embedding's own
    standard deviation.

    Somepalli et al. 2023.
    """

    scale: float = 0.1

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"scale = {self.scale} must be larger than 0")

    def apply(self, embedding: Embedding, dice: torch.Generator) -> Embedding:
        return embedding.noised(self.scale, lambda _, shape: torch.randn(shape, generator=dice))

    def describe(self) -> str:
        return f"Gaussian noise of {self.scale:g} standard deviations on the text embedding"
