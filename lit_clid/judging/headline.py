"""The headline attack: the one that the verdict speaks of, and how it was chosen."""

from collections.abc import Mapping, Sequence

from lit_clid.errors import UserError, few
from lit_clid.judging.calibration import Verdict
from lit_clid.judging.grades import Grade

BEFOREHAND = ("clir", "clid_th", "clid_th_null", "clid", "sima", "loss")
"""Attacks that speak of suspects where neither a name nor a shadow says which, in this order."""


def check_headline(headline: str, given: Mapping[str, Verdict], unjudged: tuple[str, ...]) -> None:
    """Refuse a name that is none of the judged attacks."""
    if headline in unjudged:
        raise UserError(
            f"headline: {headline} cannot be judged without a shadow; train one or name another "
            "attack"
        )
    if headline not in given:
        raise UserError(
            f"headline: {headline!r} is none of the judged attacks; name one of "
            f"{', '.join(given)}, or null"
        )


def find_headline(
    grades: Mapping[str, Grade], named: str | None, *, claim: bool
) -> tuple[str, str]:
    """The headline attack, and how it was chosen."""
    if named is not None:
        return named, "named"
    on_shadow = {n: g.shadow_auroc for n, g in grades.items() if g.shadow_auroc is not None}
    if on_shadow:
        return max(on_shadow, key=on_shadow.__getitem__), "shadow"
    if not claim:
        return max(grades, key=lambda name: grades[name].auroc.value), "maximum"
    return choose_beforehand(list(grades)), "default"


def choose_beforehand(names: Sequence[str]) -> str:
    """The attack that speaks of suspects where nothing else says which.

    Raises:
        UserError: if there are several, and none of them is in `BEFOREHAND`.
    """
    before = [name for name in (*BEFOREHAND, *names) if name in names]
    if before[0] not in BEFOREHAND and len(names) > 1:
        raise UserError(
            "headline: suspects are there; name the attack that speaks of them before anything is "
            f"looked at, with headline=NAME: {few(names)}"
        )
    return before[0]
