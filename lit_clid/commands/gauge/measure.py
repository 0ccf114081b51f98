"""One look at a model: an attack without a shadow and the loss, on a few members and hold-outs."""

from dataclasses import dataclass

import numpy as np

from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.auditing.losses import Gauged
from lit_clid.auditing.queries import check_attacks
from lit_clid.auditing.spot import spot_signals
from lit_clid.commands.probe import CHEAP
from lit_clid.data.module import CaptionedImages
from lit_clid.errors import UserError
from lit_clid.judging.calibration import calibrate
from lit_clid.judging.gauge import Reading, reading
from lit_clid.judging.rules import RULES
from lit_clid.models.target import Target


@dataclass(frozen=True)
class Measure:
    """What is asked at every look.

    Args:
        attack: name of a cheap attack that needs no shadow.
        probe: members and hold-outs each that are asked about.
        seed: of all noise, the same at every look.
    """

    attack: str
    probe: int
    seed: int

    def check(self, key: str) -> None:
        """Refuse what cannot be asked in the midst of a training.

        Args:
            key: what a message calls this.

        Raises:
            UserError: naming the attacks that serve.
        """
        if self.attack not in CHEAP:
            raise UserError(
                f"{key}: attack = {self.attack!r} is not a cheap one without a shadow: "
                f"{', '.join(CHEAP)}"
            )
        if self.probe < 2:
            raise UserError(f"{key}: probe = {self.probe} records of a kind are too few")

    def check_target(self, target: Target, data: CaptionedImages) -> None:
        """Refuse an attack that this model cannot be asked.

        Raises:
            UserError: saying why.
        """
        check_attacks({self.attack: ATTACKS[self.attack]}, target, data.captions)

    def __call__(
        self, target: Target, data: CaptionedImages, step: int, weights: str
    ) -> Reading | None:
        """The figures at a step; None where an answer is no finite number."""
        asked = Gauged(ATTACKS[self.attack])
        signals, member = spot_signals(asked, target, data, self.probe, self.seed, target.device)
        return judged(ATTACKS[self.attack], signals, member, step, weights)


def judged(
    attack: Attack, signals: np.ndarray, member: np.ndarray, step: int, weights: str = "trained"
) -> Reading | None:
    """The figures of an attack's columns and, last, −ℓ(c): (N, F + 1)."""
    if not np.isfinite(signals).all():
        return None
    verdict = calibrate(RULES[attack.rule], signals[:, :-1], None)
    assert verdict is not None
    return reading(step, verdict.score, -signals[:, -1], member, weights)
