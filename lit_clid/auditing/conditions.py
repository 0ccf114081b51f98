"""Conditions: the caption, the empty caption, a given text, and CLiD's reductions of any.

A condition is a small frozen value: `text` says which string is embedded, `noise_rate` how much
Gaussian noise the embedding gets. `REDUCTIONS` lists the conditions c*_1…c*_k of each reduction
(CLiD, Zhai et al. 2024, sec. 4.2 and app. A); the last one is always the empty caption.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor


@dataclass(frozen=True)
class Condition:
    """The record's own caption, and the base of all others."""

    @property
    def given(self) -> str | None:
        """The text in every record's place of the caption; None for the record's own."""
        return None

    @property
    def needs_caption(self) -> bool:
        """True if the record's own caption makes a difference."""
        return self.given is None

    @property
    def needs_importance(self) -> bool:
        """True if `text` needs the words' importance."""
        return False

    @property
    def noise_rate(self) -> float:
        """Standard deviation of the embedding's noise, in units of the embedding's own."""
        return 0.0

    def text(self, caption: str, importance: Sequence[float] | None, mask: str) -> str:
        """The string to embed in place of `caption`.

        Args:
            caption: the record's.
            importance: a number per word of what is reduced; None where no word may be masked.
            mask: what stands for a word that is left out; each tokenizer's end token.
        """
        return caption


@dataclass(frozen=True)
class Null(Condition):
    """The empty caption."""

    @property
    def needs_caption(self) -> bool:
        return False

    def text(self, caption: str, importance: Sequence[float] | None, mask: str) -> str:
        return ""


@dataclass(frozen=True)
class Third(Condition):
    """The first, middle or last third (part 0, 1, 2) of the caption's characters."""

    part: int

    def text(self, caption: str, importance: Sequence[float] | None, mask: str) -> str:
        start = self.part * len(caption) // 3
        end = (self.part + 1) * len(caption) // 3
        return caption[start:end]


@dataclass(frozen=True)
class Noised(Condition):
    """The caption's embedding with Gaussian noise.

    Args:
        rate: standard deviation of the noise, in units of the embedding's own; > 0.
    """

    rate: float

    @property
    def noise_rate(self) -> float:
        return self.rate


@dataclass(frozen=True)
class Masked(Condition):
    """The most important words each replaced by the tokenizer's end token.

    Args:
        rate: in (0, 1]; ⌊rate·W − 0.01⌋ + 1 of W words are masked.
    """

    rate: float

    @property
    def needs_importance(self) -> bool:
        return True

    def text(self, caption: str, importance: Sequence[float] | None, mask: str) -> str:
        words = caption.split()
        assert importance is not None and len(importance) == len(words)
        count = min(len(words), floor(self.rate * len(words) - 0.01) + 1)
        by_importance = sorted(range(len(words)), key=lambda k: (-importance[k], k))
        masked = by_importance[:count]
        return " ".join(mask if k in masked else word for k, word in enumerate(words))


CAPTION = Condition()
NULL = Null()


@dataclass(frozen=True)
class Given(Condition):
    """`words` in place of every record's caption, reduced as `reduction` reduces a caption."""

    words: str
    reduction: Condition = CAPTION

    @property
    def given(self) -> str:
        return self.words

    @property
    def needs_importance(self) -> bool:
        return self.reduction.needs_importance

    @property
    def noise_rate(self) -> float:
        return self.reduction.noise_rate

    def text(self, caption: str, importance: Sequence[float] | None, mask: str) -> str:
        return self.reduction.text(self.words, importance, mask)


GIVEN = "text:"
"""Prefix of a user's own text where a condition is named."""


def condition_named(name: str) -> Condition:
    """The condition that a config names.

    Args:
        name: "caption", "empty", or "text:…" for one text in place of every caption.

    Raises:
        ValueError: for any other name.
    """
    if name.startswith(GIVEN) and name.removeprefix(GIVEN).strip():
        return Given(name.removeprefix(GIVEN).strip())
    if name not in ("caption", "empty"):
        raise ValueError(f"condition {name!r} is not caption, empty, or text:… followed by a text")
    return CAPTION if name == "caption" else NULL


def reduced(condition: Condition, reduction: Condition) -> Condition:
    """`reduction` of `condition` instead of the record's caption."""
    if condition.given is None or reduction == NULL:
        return reduction
    return Given(condition.given, reduction)


REDUCTIONS: dict[str, tuple[Condition, ...]] = {
    "null": (NULL,),
    "clip": (Third(0), Third(1), Third(2), NULL),
    "noise": (Noised(0.5), Noised(0.7), Noised(0.9), NULL),
    "importance": (Masked(0.3), Masked(0.5), Masked(0.7), NULL),
}


def leave_one_out(caption: str) -> list[str]:
    """The caption, then the caption without its first word, without its second, and so on."""
    words = caption.split()
    return [caption, *(" ".join(words[:k] + words[k + 1 :]) for k in range(len(words)))]
