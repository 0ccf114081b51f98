"""Which fields of which attacks a sweep chooses, and the config that comes of it."""

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any

from lit_clid.auditing.attacks import ATTACKS, Attack
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.swept import Losses, Swept, blank_losses
from lit_clid.commands.known import KNOWN_ATTACKS
from lit_clid.errors import UserError
from lit_clid.judging.choice import Choice, candidates, choose


def wishes(attacks: Mapping[str, Attack], grid: Grid) -> dict[str, list[Swept]]:
    """What can be chosen for these attacks on a grid, by attack.

    Attacks that are not asked about the caption are left as they are: the sweep asks about caption
    and empty caption.

    Raises:
        UserError: if nothing can be chosen, the grid is too small for an attack, or an attack asks
            for more than losses.
    """
    found: dict[str, list[Swept]] = {}
    for name, attack in attacks.items():
        every = [Swept(attack, field) for field in attack.swept]
        asked = [swept for swept in every if swept.had[0] and attack.condition == "caption"]
        for swept in asked:
            _check(name, swept, grid)
        if asked:
            found[name] = asked
    if not found:
        raise UserError(
            "attacks: none has timesteps to choose; ask for loss, clid or clir attacks about the "
            "caption"
        )
    return found


def _check(name: str, swept: Swept, grid: Grid) -> None:
    count = len(swept.had[0]) * swept.had[1]
    options = candidates(count, grid.t, swept.most_draws(grid.draws))
    if not options:
        raise UserError(
            f"attacks.{name}.{swept.field}: {count} draws do not fit on {len(grid.t)} "
            f"timesteps with {grid.draws} draws each; give more in sweep.t or sweep.draws, "
            "or leave the attack out"
        )
    try:
        swept.score(blank_losses(grid), options[0])
    except ValueError as error:
        raise UserError(f"attacks.{name}: cannot be swept, it {error}") from None


def choose_all(
    wanted: Mapping[str, list[Swept]], losses: Losses
) -> dict[str, list[tuple[Swept, Choice]]]:
    """A choice for every field that can be chosen, by attack.

    Attacks that share a score and a number of draws share the work.
    """
    made: dict[Swept, Choice] = {}
    found: dict[str, list[tuple[Swept, Choice]]] = {}
    for name, fields_of in wanted.items():
        for swept in fields_of:
            if swept.plain not in made:
                made[swept.plain] = choice_of(swept, losses)
            found.setdefault(name, []).append((swept, made[swept.plain]))
    return found


def choice_of(swept: Swept, losses: Losses) -> Choice:
    """As many draws as the attack had, by the AUROC of its score."""
    most = swept.most_draws(losses.draws)
    score, grid = partial(swept.score, losses), (losses.t, losses.draws)
    return choose(score, losses.member, grid, swept.had, most)


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
    changed: dict[str, Any] = {}
    if name in KNOWN_ATTACKS:
        first = KNOWN_ATTACKS[name]
    elif kin:
        first, changed = ATTACKS[kin[0]], {"attack": kin[0]}
    else:
        kind = type(attack)
        first, changed = kind(), {"class": f"{kind.__module__}:{kind.__qualname__}"}
    for key, value in values.items():
        if value != getattr(first, key):
            changed[key] = list(value) if isinstance(value, tuple) else value
    return changed
