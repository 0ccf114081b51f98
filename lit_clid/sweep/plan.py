"""Which fields of which attacks a sweep chooses, and the config that comes of it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lit_clid.attacks import ATTACKS, Attack, CLiD, CLiR, Loss
from lit_clid.sweep.choose import Choice, Draws, Losses, choose

SWEPT: dict[type[Attack], dict[str, str]] = {
    Loss: {"t": "loss"},
    CLiD: {"t": "discrepancy"},
    CLiR: {"still": "still ratio", "t": "noisy ratio"},
}
"""Attack → its fields of timesteps and the score that chooses each; other attacks keep their papers' timesteps."""


def choose_all(attacks: Mapping[str, Attack], losses: Losses, draws: int) -> dict[str, dict[str, Choice]]:
    """Choices by attack and field; attacks that share a score and a number of draws share the work."""
    made: dict[tuple[str, Draws], Choice] = {}
    found: dict[str, dict[str, Choice]] = {}
    for name, attack in attacks.items():
        for field, score in SWEPT.get(type(attack), {}).items():
            t: tuple[int, ...] = getattr(attack, field)
            if not t:
                continue
            had = (t, 1 if field == "still" else attack.draws)  # type: ignore[attr-defined]
            if (score, had) not in made:
                made[score, had] = choose(losses, score, had, draws)
            found.setdefault(name, {})[field] = made[score, had]
    return found


def overlay(attacks: Mapping[str, Attack], choices: Mapping[str, Mapping[str, Choice]]) -> dict[str, Any]:
    """`attacks:` of a config: every attack with the parameters that differ from its defaults, choices included."""
    content: dict[str, Any] = {}
    for name, attack in attacks.items():
        values = {f.name: getattr(attack, f.name) for f in fields(attack)}
        for field, choice in choices.get(name, {}).items():
            values[field] = choice.draws[0]
            if field == "t":
                values["draws"] = choice.draws[1]
        changed = {key: value for key, value in values.items() if value != getattr(ATTACKS[name], key)}
        content[name] = {k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()} or None
    return {"attacks": content}
