"""Sets of signals: which questions are asked, and the columns that are made of the answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from lit_clid.auditing.oracle import Oracle
from lit_clid.models.levels import STEPS
from lit_clid.models.target import Target


@dataclass(frozen=True)
class Signals(ABC):
    """A frozen dataclass of what is asked: an attack, or losses that others make something of.

    Args:
        rule: how the columns become one score, a key of the judging wing's rules.
        title: what a report calls the set. Neither changes a signal.
    """

    by_caption: ClassVar[bool] = False
    """True if they live on what a record's own caption does to the answer.

    They are weak where members and hold-outs share their captions, and a report says so.
    """
    rule: str = field(default="first", kw_only=True)
    title: str = field(default="", kw_only=True)

    @property
    @abstractmethod
    def timesteps(self) -> tuple[tuple[int, ...], ...]:
        """Groups of t at which is asked, none empty, no t twice within a group."""

    @abstractmethod
    def signal(self, oracle: Oracle) -> Tensor:
        """Signals (B, F), larger = more member-like in every column."""

    def columns(self, target: Target) -> tuple[str, ...]:
        """F suffixes of the columns' names; the empty suffix stands for the set's own name."""
        return ("",)

    def check(self, target: Target, captions: Sequence[str]) -> str:
        """Raise ValueError if this model cannot be asked about records with these captions.

        Returns:
            A remark for the auditor, or nothing.
        """
        for t in self.timesteps:
            check_timesteps(t)
        return ""


def check_timesteps(wanted: Sequence[int]) -> None:
    """Raise ValueError unless every wanted t lies on the ruler, once."""
    outside = [t for t in wanted if not 0 <= t < STEPS]
    if outside:
        raise ValueError(f"t = {outside} lies outside the model's schedule 0…{STEPS - 1}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"t = {list(wanted)} must name timesteps, each once; `draws` asks for more noise at "
            "each"
        )


def column_names(name: str, signals: Signals, target: Target) -> tuple[str, ...]:
    """Columns of the set called `name` in a score table: "loss", or "clid_th_d1"."""
    suffixes = signals.columns(target)
    return tuple(f"{name}_{suffix}" if suffix else name for suffix in suffixes)
