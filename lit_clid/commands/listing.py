"""What there is by name: attacks, defenses, families, rules, one line each."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from textwrap import shorten
from typing import TypeVar

from lit_clid import console
from lit_clid.config.explained import as_yaml, summary
from lit_clid.errors import UserError, first_line, suggestion

T = TypeVar("T")


def _attacks() -> dict[str, str]:
    from lit_clid.commands.known import KNOWN_ATTACKS  # each list loads what it lists alone

    return _each(KNOWN_ATTACKS, lambda attack: f"{attack.title}: {_told(attack)}")


def _defenses() -> dict[str, str]:
    from lit_clid.commands.known import KNOWN_DEFENSES

    return _each(KNOWN_DEFENSES, lambda defense: _one_line(defense.describe()))


def _families() -> dict[str, str]:
    from lit_clid.models.families import KNOWN, Family

    def line(family: Family) -> str:
        return f"{family.title}; finetune.train: {', '.join([*family.groups, 'lora'])}"

    return _each(KNOWN, line)


def _each(known: Mapping[str, T], line: Callable[[T], str]) -> dict[str, str]:
    """A line for each name; a plug-in that cannot be had says why."""
    found: dict[str, str] = {}
    for name in known:
        try:
            found[name] = line(known[name])
        except UserError as error:
            found[name] = str(error)
        except Exception as error:  # what a plug-in's own code raises
            found[name] = f"cannot be described ({type(error).__name__}: {first_line(error)})"
    return found


def _rules() -> dict[str, str]:
    from lit_clid.judging.rules import RULES

    return {name: _told(rule) for name, rule in RULES.items()}


LONGEST = 50
"""Most characters of a parameter's value."""
LISTS: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "attacks": _attacks,
    "defenses": _defenses,
    "families": _families,
    "rules": _rules,
}


def main(arguments: Sequence[str]) -> None:
    for word in arguments:
        if word not in LISTS:
            known = suggestion(word, list(LISTS), listed="lists")
            raise UserError(f"nothing to list under '{word}'{known}")
    console.say("\n\n".join(listing(kind) for kind in arguments or LISTS))


def listing(kind: str) -> str:
    """One kind: its name, then a line for each that is known."""
    lines = [(f"  {name}", text) for name, text in LISTS[kind]().items()]
    return f"{kind}\n{console.aligned(lines)}"


def _told(known: object) -> str:
    """The first sentence about its class, then the parameters that are not the class's defaults."""
    said = _one_line(summary(type(known)))
    own = ", ".join(f"{name}: {value}" for name, value in _own(known).items())
    return f"{said}; here {own}" if own else said


def _own(known: object) -> dict[str, str]:
    """The parameters that are not the class's defaults, by name and as YAML writes them.

    A title is told already; long lists are cut. What is no dataclass has none.
    """
    if not is_dataclass(known):
        return {}
    found: dict[str, str] = {}
    for each in fields(known):
        value = getattr(known, each.name)
        if each.name != "title" and each.default is not MISSING and value != each.default:
            found[each.name] = shorten(as_yaml(value), LONGEST, placeholder=" …]")
    return found


def _one_line(text: str) -> str:
    """The first sentence; "eq. 14" and "Watson et al. (2022)" end none."""
    return re.split(r"\.(?= [A-Z])", text)[0].rstrip(".")
