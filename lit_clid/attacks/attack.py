"""An attack: which questions it asks the oracle and which signals it makes of the answers."""

from abc import ABC, abstractmethod

from torch import Tensor

from lit_clid.oracle import Oracle


class Attack(ABC):
    """A frozen dataclass of the paper's parameters.

    `columns` names the signals, `rule` the way they become one score (a key of `rules.RULES`), `title` is what the
    report calls the attack.
    """

    title: str
    rule: str = "first"

    @property
    def columns(self) -> tuple[str, ...]:
        """Suffixes of the signal columns, one per signal; the empty suffix stands for the attack's own name."""
        return ("",)

    @abstractmethod
    def signal(self, oracle: Oracle) -> Tensor:
        """Signals (B, F), larger = more member-like in every column."""

    def check(self, timesteps: int) -> None:
        """Raise ValueError if the attack cannot be asked of a model with timesteps 0…timesteps−1."""


def check_timesteps(wanted: tuple[int, ...], timesteps: int) -> None:
    """Raise ValueError unless every wanted t lies in the schedule."""
    outside = [t for t in wanted if not 0 <= t < timesteps]
    if not wanted or outside:
        raise ValueError(f"t = {list(outside or wanted)} lies outside the model's schedule 0…{timesteps - 1}")
