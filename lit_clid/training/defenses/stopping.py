"""When to stop: on the held-out loss, on a budget of steps per image, on a privacy budget."""

from dataclasses import dataclass
from math import ceil

from lit_clid.training.defenses.defense import StoppingDefense


@dataclass(frozen=True)
class EarlyStopping(StoppingDefense):
    """Stop when the held-out loss has not fallen for `patience` validations; the best one's weights
    are exported.

    Args:
        patience: validations (of `finetune.validate_every` steps) without a new minimum that are
            waited for.
        min_delta: by which a new minimum must undercut the last one.
    """

    patience: int = 3
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1 or self.min_delta < 0:
            raise ValueError(
                f"patience = {self.patience}, min_delta = {self.min_delta}: at least 1, and 0"
            )

    def describe(self) -> str:
        return f"stop after {self.patience} validations without a lower held-out loss"


@dataclass(frozen=True)
class StepBudget(StoppingDefense):
    """Stop after so many optimiser steps per member.

    CLiD counts training in this unit (section 5.3).
    """

    steps_per_image: float = 2.0

    def __post_init__(self) -> None:
        if self.steps_per_image <= 0:
            raise ValueError(f"steps_per_image = {self.steps_per_image} must be larger than 0")

    def steps(self, members: int) -> int:
        """The last step."""
        return ceil(self.steps_per_image * members)

    def describe(self) -> str:
        return f"stop after {self.steps_per_image:g} steps per image"


@dataclass(frozen=True)
class PrivacyBudget(StoppingDefense):
    """Stop when the AUROC in an audit of a fixed probe may be beyond a cap; the weights of the
    validation before are exported.

    What must stay within the cap is the upper end of the AUROC's one-sided 95 % interval, about
    0.67/√`probe` above its value: the model is within the cap as far as the probe can tell, not
    merely not seen beyond it.

    Args:
        attack: that is asked at every validation; a cheap one that needs no shadow, which the
            commands check.
        cap: on its AUROC.
        probe: members and hold-outs each, the same at every validation. With few of them a model
            that leaks nothing is stopped too: by a cap of 0.6 at one validation in eighty with 256,
            and at two in five with 64.
    """

    probes_members = True
    attack: str = "clid_th_null"
    cap: float = 0.6
    probe: int = 256

    def __post_init__(self) -> None:
        if not 0.5 < self.cap < 1 or self.probe < 2:
            raise ValueError(
                f"cap = {self.cap}, probe = {self.probe}: within (0.5, 1), and at least 2"
            )

    def describe(self) -> str:
        asked = f"{self.probe} members and hold-outs"
        return f"stop when {self.attack} may pass AUROC {self.cap:g}, by {asked}"
