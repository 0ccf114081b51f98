"""An attack: a set of signals of its own that tells members from hold-outs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from lit_clid.auditing.conditions import Condition, condition_named
from lit_clid.auditing.signals import Signals


@dataclass(frozen=True)
class Attack(Signals):
    """A frozen dataclass of the paper's parameters.

    Args:
        condition: the text under which the model is asked: "caption", "empty", or "text:…", one of
            the auditor's.
        rule: one of the class's `rules`.
    """

    rules: ClassVar[tuple[str, ...]] = ("first",)
    swept: ClassVar[Mapping[str, str | None]] = {}
    """Fields of timesteps that a sweep may choose → the field of draws at each, if there is one.

    Only an attack that asks for losses alone can be swept.
    """
    proxied: ClassVar[tuple[str, ...]] = ()
    """Fields that only say which texts are asked about beside the caption.

    They make no difference to a sweep's score, which has the empty caption's loss for all of these.
    """
    condition: str = field(default="caption", kw_only=True)

    def __post_init__(self) -> None:
        """Raise ValueError for a parameter that no model could serve."""
        condition_named(self.condition)
        if self.rule not in self.rules:
            raise ValueError(f"rule {self.rule!r} is not {' or '.join(self.rules)}")

    @property
    def asked_under(self) -> Condition:
        """The condition c of ε_θ(·, t, c)."""
        return condition_named(self.condition)


def check_power(p: float) -> None:
    """Raise ValueError unless ‖·‖_p^p can be taken."""
    if not 0 < p < inf:
        raise ValueError(f"p = {p} must be a positive number")
