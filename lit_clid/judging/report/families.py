"""Families of attacks, and the one attack that stands for each.

A family is known by the kind of attack that the table tells of, or by its name; a column from
elsewhere is a family of its own, unless there are many.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lit_clid.judging.judge import Judgement
from lit_clid.judging.trials import REF

FAMILIES = {
    "CLiD": ("clid",),
    "CLiR": ("clir",),
    "Loss and Monte Carlo": ("loss", "monte_carlo"),
    "PIA and PIAN": ("pia", "pian"),
    "SecMI": ("secmi",),
    "PFAMI": ("pfami",),
    "SimA": ("sima",),
    "GSA": ("gsa",),
    "All attacks stacked": ("stacked",),
    "Memorised prompts": ("memorised", "memorisedprompt"),
}
"""Beginnings of the attacks' names, and of their kinds in small letters, by the family's title."""
MOST = 8
"""Families of one column each; more columns that are not known are one family."""
OTHERS = "Other signals"
WHY = {
    "headline": "the attack the verdict speaks of",
    "shadow": "strongest on the shadow",
    "largest": "largest here",
}
"""How the attack was chosen that stands for a family."""


@dataclass(frozen=True)
class AttackFamily:
    """Attacks that look at the same thing.

    Args:
        title: the family's.
        names: its attacks, largest AUROC first, `…_ref` among them.
        speaker: the one that stands for them.
        chosen: how it was, a key of `WHY`.
    """

    title: str
    names: tuple[str, ...]
    speaker: str
    chosen: str


def families(judgement: Judgement) -> tuple[AttackFamily, ...]:
    """Every judged attack in one family; the family of the largest AUROC first.

    A family is placed by the attack that stands for it.
    """
    titles: dict[str, str] = {}
    for name, _ in judgement.ranked:
        titles[name] = family_of(name, _kind(judgement, name))
    unknown = dict.fromkeys(plain(name) for name, title in titles.items() if not title)
    gathered: dict[str, list[str]] = {}
    for name, title in titles.items():
        own = plain(name) if len(unknown) <= MOST else OTHERS
        gathered.setdefault(title or own, []).append(name)
    found = [_family(title, names, judgement) for title, names in gathered.items()]
    return tuple(sorted(found, key=lambda f: -judgement.grades[f.speaker].auroc.value))


def plain(name: str) -> str:
    """The attack's name without the mark of a subtracted reference."""
    return name.removesuffix(REF)


def family_of(name: str, kind: str = "") -> str:
    """The title of the family that the kind, or else the name, belongs to; empty for none."""
    for told in (kind.lower(), name.lower()):
        for title, beginnings in FAMILIES.items():
            pattern = rf"(?:{'|'.join(beginnings)})(?![a-z])"
            if re.match(pattern, told):
                return title
    return ""


def _kind(judgement: Judgement, name: str) -> str:
    claims = judgement.target.about.claims
    spec = {} if claims is None else claims.attacks.get(plain(name), {})
    return str(spec.get("kind", ""))


def _family(title: str, names: Sequence[str], judgement: Judgement) -> AttackFamily:
    if judgement.headline in names:
        return AttackFamily(title, tuple(names), judgement.headline, "headline")
    on_shadow: dict[str, float] = {}
    for name in names:
        value = judgement.grades[name].shadow_auroc
        if value is not None:
            on_shadow[name] = value
    if on_shadow:
        speaker = max(on_shadow, key=on_shadow.__getitem__)
        return AttackFamily(title, tuple(names), speaker, "shadow")
    return AttackFamily(title, tuple(names), names[0], "largest")
