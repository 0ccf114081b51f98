"""The probe of a privacy budget: a small audit that training asks for at every validation."""

from dataclasses import dataclass, field

import numpy as np
import torch

from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.data.module import CaptionedImages
from lit_clid.data.records import RecordSet
from lit_clid.errors import UserError
from lit_clid.judging.calibration import calibrate
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.rules import RULES
from lit_clid.training.defenses import Defenses, PrivacyBudget
from lit_clid.training.module import FineTune

ROWS = 32
"""Records per batch; never changes a score."""


def check_budget(defenses: Defenses) -> None:
    """Refuse a privacy budget whose attack costs much or needs a shadow.

    Raises:
        UserError: naming the attacks that serve.
    """
    alone = [name for name, attack in ATTACKS.items() if not RULES[attack.rule].needs_shadow]
    cheap = [name for name in alone if name not in COSTLY]
    for name, budget in defenses.of(PrivacyBudget).items():
        if budget.attack not in cheap:
            raise UserError(
                f"defenses.{name}: attack = {budget.attack!r} is not a cheap one without a "
                f"shadow: {', '.join(cheap)}"
            )


def probe_of(defenses: Defenses, seed: int) -> "Probe | None":
    """The probe that these defenses ask for, if any."""
    budget = defenses.one(PrivacyBudget)
    return None if budget is None else Probe(budget, seed)


@dataclass
class Probe:
    """AUROC of a budget's attack on its first members and hold-outs, the same on every process.

    Args:
        budget: names the attack and how many records of each kind are asked about.
        seed: of the attack's noise.
    """

    budget: PrivacyBudget
    seed: int
    _records: Batch | None = field(default=None, init=False)

    def __call__(self, module: FineTune, data: CaptionedImages) -> float:
        if self._records is None:
            self._records = _together(
                _first(data.known, self.budget.probe), _first(data.holdouts, self.budget.probe)
            )
        records, attack = self._records, ATTACKS[self.budget.attack]
        signals = []
        for k in range(0, len(records.ids), ROWS):
            batch = _rows(records, slice(k, k + ROWS), module.device)
            signals.append(
                attack.signal(ModelOracle(module.target, batch, self.seed)).double().cpu()
            )
        verdict = calibrate(RULES[attack.rule], torch.cat(signals).numpy(), None)
        assert verdict is not None
        members = min(self.budget.probe, len(data.known))
        return float(auroc(curve(verdict.score, np.arange(len(records.ids)) < members)))


def _first(records: RecordSet, count: int) -> Batch:
    """The first records of a role's members or hold-outs, under the captions that an audit uses."""
    ids = tuple(entry.id for entry in records.entries[:count])
    return Batch(ids, records.images(range(len(ids))), tuple(records.captions[:count]))


def _together(members: Batch, holdouts: Batch) -> Batch:
    images = torch.cat([members.images, holdouts.images])
    return Batch(members.ids + holdouts.ids, images, members.captions + holdouts.captions)


def _rows(records: Batch, part: slice, device: torch.device) -> Batch:
    return Batch(records.ids[part], records.images[part].to(device), records.captions[part])
