"""The configuration as the commands have it: attacks and defenses built from the wings'
registries.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from lit_clid.auditing.attacks import ATTACKS, COSTLY, Attack
from lit_clid.commands.known import KNOWN_ATTACKS, KNOWN_DEFENSES
from lit_clid.commands.probe import check_budget
from lit_clid.config.named import Registry, Section
from lit_clid.config.reading import DEMO, read_config
from lit_clid.config.schema import Config
from lit_clid.errors import UserError
from lit_clid.plugins import class_named
from lit_clid.training.defenses import Defense, Defenses

ATTACKS_REGISTRY = Registry[Attack](
    "attack", KNOWN_ATTACKS, "{t: 450}", lambda text, where: class_named(text, Attack, where)
)
DEFENSES_REGISTRY = Registry[Defense](
    "defense",
    KNOWN_DEFENSES,
    "{share: 0.1}",
    lambda text, where: class_named(text, Defense, where),
)
USUAL = [name for name in ATTACKS if name not in COSTLY]

Settings: TypeAlias = Config[dict[str, Attack], Defenses]


def read(arguments: Sequence[str], default: Path = DEMO) -> Settings:
    """Read `[config.yaml …] [key=value …]`; without a YAML, `default`.

    Raises:
        UserError: for anything in it that nothing could be made of.
    """
    attacks = Section(USUAL, build_attacks, all=list(ATTACKS))
    defenses = Section({}, build_defenses)
    return read_config(arguments, default, attacks, defenses)


def build_attacks(wanted: object) -> dict[str, Attack]:
    """Build the attacks of `attacks:`.

    Raises:
        UserError: if there is none, or for an unknown attack or parameter, or a value the attack
            refuses.
    """
    attacks = ATTACKS_REGISTRY.build(wanted)
    if not attacks:
        raise UserError(
            f"attacks: {wanted!r} is neither a list nor a mapping that names one; known: "
            f"{ATTACKS_REGISTRY.names}"
        )
    return attacks


def build_defenses(wanted: object) -> Defenses:
    """Build the defenses of `defenses:`.

    A defense that is set to false is left out, so that an overlay can take one away.

    Raises:
        UserError: for an unknown defense or parameter, a value the defense refuses, or two that
            contradict each other.
    """
    changes = DEFENSES_REGISTRY.changes(wanted)
    kept = {name: changed for name, changed in changes.items() if changed is not False}
    defenses = Defenses(DEFENSES_REGISTRY.build(kept))
    check_budget(defenses)
    return defenses
