"""Which fields of which attacks a sweep chooses, and the config that comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from lit_clid.auditing.attacks import ATTACKS, Attack, CLiD, CLiR, Loss
from lit_clid.commands.sweep.choose import Choice, Draws, Losses, candidates, choose
from lit_clid.errors import UserError

SWEPT: dict[type[Attack], dict[str, str]] = {
    Loss: {"t": "loss"},
    CLiD: {"t": "discrepancy"},
    CLiR: {"still": "still ratio", "t": "noisy ratio"},
}
"""Attack → its fields of timesteps and the score that chooses each; other attacks keep their
papers' timesteps.
"""


@dataclass(frozen=True)
class Wish:
    """Timesteps that a sweep shall choose: of one attack's `field`, by `score`, in place of what
    it `had`.
    """

    attack: str
    field: str
    score: str
    had: Draws


def wishes(attacks: Mapping[str, Attack], t: Sequence[int], draws: int) -> list[Wish]:
    """What can be chosen for these attacks on a grid of timesteps `t` with so many draws.

    Attacks that are not asked about the caption are left as they are: the sweep asks about caption
    and empty caption.

    Raises:
        UserError: if nothing can be chosen, or the grid is too small for an attack.
    """
    found = []
    for name, attack in attacks.items():
        for field, score in SWEPT.get(type(attack), {}).items():
            steps: tuple[int, ...] = getattr(attack, field)
            if not steps or attack.condition != "caption":
                continue
            had = (steps, 1 if field == "still" else attack.draws)  # type: ignore[attr-defined]
            if not candidates(len(steps) * had[1], len(t), 1 if field == "still" else draws):
                raise UserError(
                    f"attacks.{name}.{field}: {len(steps) * had[1]} draws do not fit on {len(t)} "
                    f"timesteps with "
                    f"{draws} draws each; give more in sweep.t or sweep.draws, or leave the attack "
                    f"out"
                )
            found.append(Wish(name, field, score, had))
    if not found:
        raise UserError(
            "attacks: none has timesteps to choose; ask for loss, clid or clir attacks about the "
            "caption"
        )
    return found


def choose_all(wanted: Sequence[Wish], losses: Losses, draws: int) -> dict[str, dict[str, Choice]]:
    """Choices by attack and field; attacks that share a score and a number of draws share the
    work.
    """
    made: dict[tuple[str, Draws], Choice] = {}
    found: dict[str, dict[str, Choice]] = {}
    for wish in wanted:
        if (wish.score, wish.had) not in made:
            made[wish.score, wish.had] = choose(losses, wish.score, wish.had, draws)
        found.setdefault(wish.attack, {})[wish.field] = made[wish.score, wish.had]
    return found


def overlay(
    attacks: Mapping[str, Attack], choices: Mapping[str, Mapping[str, Choice]]
) -> dict[str, Any]:
    """`attacks:` of a config: every attack with the parameters that differ from its defaults,
    choices included.
    """
    content: dict[str, Any] = {}
    for name, attack in attacks.items():
        values = {f.name: getattr(attack, f.name) for f in fields(attack)}
        for field, choice in choices.get(name, {}).items():
            values[field] = choice.draws[0]
            if field == "t":
                values["draws"] = choice.draws[1]
        original = (
            name
            if name in ATTACKS
            else next(k for k, known in ATTACKS.items() if type(known) is type(attack))
        )
        changed = {
            key: value for key, value in values.items() if value != getattr(ATTACKS[original], key)
        }
        changed |= {"attack": original} if original != name else {}
        content[name] = {
            k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()
        } or None
    return {"attacks": content}
