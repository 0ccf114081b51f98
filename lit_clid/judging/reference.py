"""The reference's signals, subtracted: which tables belong together, and β.

Difficulty calibration (Watson et al. 2022) takes β = 1. With a shadow, each signal's β is the slope
Cov(s, s_reference) / Var(s_reference) over the shadow's hold-outs, which leaves the least spread of
records that are no members. The target's labels have no part in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lit_clid.asked import AttackSpec
from lit_clid.errors import UserError, few
from lit_clid.provenance import refuse_changes
from lit_clid.scores import Scores, Suspects

TINY = float(np.finfo(float).tiny)
MADE_ALIKE = ("seed", "resolution", "precision", "posterior")
"""Facts in which two tables must agree for one to calibrate the other."""


def reference_weights(shadow: Scores, reference: Scores) -> dict[str, float]:
    """β by column: Cov(s, s_reference) / Var(s_reference) over the shadow's hold-outs.

    Args:
        shadow: the shadow's signals of its own records.
        reference: the reference's signals of the same records.

    Returns:
        0 for a column that the reference answers alike everywhere.

    Raises:
        UserError: if the tables speak of different records.
    """
    _check_records(shadow, reference)
    weights: dict[str, float] = {}
    for column in _columns_of_both(shadow, reference):
        own, base = (table.signals[column][~shadow.member] for table in (shadow, reference))
        deviations = base - base.mean()
        slope = float(deviations @ (own - own.mean())) / max(float(deviations @ deviations), TINY)
        weights[column] = slope if base.max() > base.min() else 0.0
    return weights


def difference(table: Scores, reference: Scores | None, weights: Mapping[str, float]) -> Scores:
    """The signals of `table` minus the reference's times their weights, of the attacks that the
    reference was asked.

    Raises:
        UserError: if the reference was asked about other records, or in another way.
    """
    assert reference is not None
    _check_records(table, reference)
    signals: dict[str, np.ndarray] = {}
    missing = [column for column in _columns_of_both(table, reference) if column not in weights]
    if missing:
        raise UserError(
            f"{reference.where}: the reference's table of the shadow has no column {few(missing)}; "
            "make both again"
        )
    for column in _columns_of_both(table, reference):
        signals[column] = table.signals[column] - weights[column] * reference.signals[column]
    suspects = _suspects_minus(table, reference, weights, list(signals))
    about = replace(table.about, attacks=_asked_alike(table, reference))
    return replace(
        table, signals=signals, about=about, where=reference.where, aside=(), suspects=suspects
    )


def _suspects_minus(
    table: Scores, reference: Scores, weights: Mapping[str, float], columns: Sequence[str]
) -> Suspects | None:
    """The same of the suspects, where there are any."""
    ours, theirs = table.suspects, reference.suspects
    if ours is None:
        return None
    if theirs is None or theirs.ids != ours.ids:
        raise UserError(
            f"{reference.where}: speaks of other suspects than {table.where}; make it again"
        )
    found: dict[str, np.ndarray] = {}
    for column in columns:
        found[column] = ours.signals[column] - weights[column] * theirs.signals[column]
    return Suspects(ours.ids, found)


def _check_records(table: Scores, reference: Scores) -> None:
    if reference.ids != table.ids or (reference.member != table.member).any():
        raise UserError(
            f"{reference.where}: speaks of other records than {table.where}; make it again"
        )


def _columns_of_both(table: Scores, reference: Scores) -> list[str]:
    return [column for column in reference.signals if column in table.signals]


def _asked_alike(table: Scores, reference: Scores) -> dict[str, AttackSpec]:
    """The attacks of `table` that the reference was asked too, in the same way."""
    told, asked = table.about.attacks, reference.about.attacks
    attacks = {name: spec for name, spec in told.items() if name in asked}
    if told and not attacks:
        raise UserError(
            f"{reference.where}: its .json names no attack of {table.where}; restore it or delete "
            "both"
        )
    if attacks:
        check_kinship(table, reference, tuple(attacks), ("split", "importance"))
    return attacks


def check_kinship(
    target: Scores, other: Scores, attacks: Sequence[str], more: Sequence[str] = ()
) -> None:
    """Another model's signals calibrate the target's only if made in the same way.

    Args:
        target, other: the tables.
        attacks: that must have been asked alike.
        more: further facts to agree in.
    """
    made, found = target.about.claims, other.about.claims
    if made is None or found is None:
        return
    keys = (*MADE_ALIKE, *more, *(f"attacks.{name}" for name in attacks))
    wanted = {key: made.flat.get(key) for key in keys}
    refuse_changes({key: found.flat.get(key) for key in keys}, wanted, other.where)
