"""An attack: which questions it asks the oracle and which signals it makes of the answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from torch import Tensor

from lit_clid.auditing.conditions import Condition, condition_named
from lit_clid.auditing.oracle import Oracle
from lit_clid.models.diffusion import Target


@dataclass(frozen=True)
class Attack(ABC):
    """A frozen dataclass of the paper's parameters.

    Args:
        condition: the text under which the model is asked: "caption", "empty", or "text:…", one of
            the auditor's.
        rule: the way the signals become one score (a key of `rules.RULES`), one of the class's
            `rules`.
        title: what the report calls the attack.
    """

    rules: ClassVar[tuple[str, ...]] = ("first",)
    condition: str = field(default="caption", kw_only=True)
    rule: str = field(default="first", kw_only=True)
    title: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Raise ValueError for a parameter that no model could serve."""
        condition_named(self.condition)
        if self.rule not in self.rules:
            raise ValueError(f"rule {self.rule!r} is not {' or '.join(self.rules)}")

    @property
    def asked_under(self) -> Condition:
        """The condition c of ε_θ(·, t, c)."""
        return condition_named(self.condition)

    def columns(self, target: Target) -> tuple[str, ...]:
        """Suffixes of the signal columns, one per signal; the empty suffix stands for the
        attack's own name.
        """
        return ("",)

    @abstractmethod
    def signal(self, oracle: Oracle) -> Tensor:
        """Signals (B, F), larger = more member-like in every column."""

    def check(self, target: Target, captions: Sequence[str]) -> str:
        """Raise ValueError if the attack cannot be asked of this model about records with these
        captions.

        Returns:
            A remark for the auditor, or nothing.
        """
        return ""


def check_timesteps(wanted: Sequence[int], target: Target) -> None:
    """Raise ValueError unless every wanted t lies in the schedule, once."""
    outside = [t for t in wanted if not 0 <= t < target.timesteps]
    if outside:
        raise ValueError(
            f"t = {outside} lies outside the model's schedule 0…{target.timesteps - 1}"
        )
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"t = {list(wanted)} must name timesteps, each once; `draws` asks for more noise at "
            f"each"
        )


def check_power(p: float) -> None:
    """Raise ValueError unless ‖·‖_p^p can be taken."""
    if not 0 < p < inf:
        raise ValueError(f"p = {p} must be a positive number")
