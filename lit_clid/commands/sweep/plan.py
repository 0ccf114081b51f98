"""Which fields of which attacks a sweep chooses, and the config that comes of it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.auditing.losses import Grid
from lit_clid.commands.sweep.choose import Choice, Losses, Swept, candidates, choose
from lit_clid.errors import UserError


def wishes(attacks: Mapping[str, Attack], grid: Grid) -> dict[str, list[Swept]]:
    """What can be chosen for these attacks on a grid, by attack.

    Attacks that are not asked about the caption are left as they are: the sweep asks about caption
    and empty caption.

    Raises:
        UserError: if nothing can be chosen, or the grid is too small for an attack.
    """
    found: dict[str, list[Swept]] = {}
    for name, attack in attacks.items():
        every = [Swept(attack, field) for field in attack.swept]
        asked = [swept for swept in every if swept.had[0] and attack.condition == "caption"]
        for swept in asked:
            _check_size(f"attacks.{name}.{swept.field}", swept, grid)
        if asked:
            found[name] = asked
    if not found:
        raise UserError(
            "attacks: none has timesteps to choose; ask for loss, clid or clir attacks about the "
            "caption"
        )
    return found


def _check_size(key: str, swept: Swept, grid: Grid) -> None:
    count = len(swept.had[0]) * swept.had[1]
    if not candidates(count, grid.t, swept.most_draws(grid.draws)):
        raise UserError(
            f"{key}: {count} draws do not fit on {len(grid.t)} timesteps with {grid.draws} draws "
            "each; give more in sweep.t or sweep.draws, or leave the attack out"
        )


def choose_all(
    wanted: Mapping[str, list[Swept]], losses: Losses
) -> dict[str, list[tuple[Swept, Choice]]]:
    """A choice for every field that can be chosen, by attack.

    Raises:
        UserError: for an attack that asks for more than losses.
    """
    found: dict[str, list[tuple[Swept, Choice]]] = {}
    for name, fields_of in wanted.items():
        try:
            found[name] = [(swept, choose(losses, swept)) for swept in fields_of]
        except ValueError as error:
            raise UserError(f"attacks.{name}: cannot be swept, it {error}") from None
    return found


def overlay(
    attacks: Mapping[str, Attack], choices: Mapping[str, list[tuple[Swept, Choice]]]
) -> dict[str, Any]:
    """`attacks:` of a config: every attack with the parameters that differ from its defaults."""
    content: dict[str, Any] = {}
    for name, attack in attacks.items():
        values: dict[str, Any] = {f.name: getattr(attack, f.name) for f in fields(attack)}
        for swept, choice in choices.get(name, []):
            values |= swept.changes(choice.draws)
        content[name] = _changed(name, attack, values) or None
    return {"attacks": content}


def _changed(name: str, attack: Attack, values: Mapping[str, Any]) -> dict[str, Any]:
    """What makes the attack called `name` of one that is known by name."""
    kin = [known for known, each in ATTACKS.items() if type(each) is type(attack)]
    original = name if name in ATTACKS else kin[0]
    changed: dict[str, Any] = {} if original == name else {"attack": original}
    for key, value in values.items():
        if value != getattr(ATTACKS[original], key):
            changed[key] = list(value) if isinstance(value, tuple) else value
    return changed
