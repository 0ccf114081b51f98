"""The probe of a privacy budget: a small audit that training asks for at every validation."""

from dataclasses import dataclass

from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.auditing.spot import spot_signals
from lit_clid.data.module import CaptionedImages
from lit_clid.errors import UserError
from lit_clid.judging.calibration import calibrate
from lit_clid.judging.evidence import auroc_bound
from lit_clid.judging.rules import RULES
from lit_clid.training.defenses import Defenses, PrivacyBudget
from lit_clid.training.kept import Probed
from lit_clid.training.module import FineTune

ALONE = [name for name, attack in ATTACKS.items() if not RULES[attack.rule].needs_shadow]
"""Attacks that need no shadow."""
CHEAP = [name for name in ALONE if name not in COSTLY]
"""Those of them that can be asked again and again."""


def check_budget(defenses: Defenses) -> None:
    """Refuse a privacy budget whose attack costs much or needs a shadow.

    Raises:
        UserError: naming the attacks that serve.
    """
    for name, budget in defenses.of(PrivacyBudget).items():
        if budget.attack not in CHEAP:
            raise UserError(
                f"defenses.{name}: attack = {budget.attack!r} is not a cheap one without a "
                f"shadow: {', '.join(CHEAP)}"
            )


def probe_of(defenses: Defenses, seed: int) -> "BudgetProbe | None":
    """The probe that these defenses ask for, if any."""
    budget = defenses.one(PrivacyBudget)
    return None if budget is None else BudgetProbe(budget, seed)


@dataclass
class BudgetProbe:
    """AUROC of a budget's attack on its first members and hold-outs with its upper bound, the same
    on every process.

    Args:
        budget: names the attack and how many records of each kind are asked about.
        seed: of the attack's noise.
    """

    budget: PrivacyBudget
    seed: int

    def __call__(self, module: FineTune, data: CaptionedImages) -> Probed:
        attack = ATTACKS[self.budget.attack]
        signals, member = spot_signals(
            attack, module.target, data, self.budget.probe, self.seed, module.device
        )
        verdict = calibrate(RULES[attack.rule], signals, None)
        assert verdict is not None
        return Probed(*auroc_bound(verdict.score, member))
