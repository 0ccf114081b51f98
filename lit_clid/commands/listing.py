"""What there is by name: attacks, defenses, families, rules, one line each."""

import re
from collections.abc import Callable, Mapping, Sequence

from lit_clid import console
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.config.explained import summary
from lit_clid.errors import UserError, suggestion
from lit_clid.judging.rules import RULES
from lit_clid.models.families import FAMILIES
from lit_clid.training.defenses import DEFENSES


def _attacks() -> dict[str, str]:
    return {name: f"{attack.title}: {summary(type(attack))}" for name, attack in ATTACKS.items()}


def _defenses() -> dict[str, str]:
    return {name: defense.describe() for name, defense in DEFENSES.items()}


def _families() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, family in FAMILIES.items():
        groups = ", ".join([*family.groups, "lora"])
        found[name] = f"{family.title}; finetune.train: {groups}"
    return found


def _rules() -> dict[str, str]:
    return {name: summary(type(rule)) for name, rule in RULES.items()}


LISTS: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "attacks": _attacks,
    "defenses": _defenses,
    "families": _families,
    "rules": _rules,
}


def main(arguments: Sequence[str]) -> None:
    for word in arguments:
        if word not in LISTS:
            raise UserError(f"nothing to list under '{word}'{suggestion(word, list(LISTS))}")
    console.say("\n\n".join(listing(kind) for kind in arguments or LISTS))


def listing(kind: str) -> str:
    """One kind: its name, then a line for each that is known."""
    lines = [(f"  {name}", _one_line(text)) for name, text in LISTS[kind]().items()]
    return f"{kind}\n{console.aligned(lines)}"


def _one_line(text: str) -> str:
    """The first sentence; "eq. 14" and "Watson et al. (2022)" end none."""
    return re.split(r"\.(?= [A-Z])", text)[0].rstrip(".")
