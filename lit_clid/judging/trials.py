"""Trials: which columns of the tables are one attack, and what its rule is fitted on.

Tables that were not made alike are not judged together.

An attack `a` is the target's signals s(x); where the reference was asked about the same records,
`a_ref` is s(x) − β·s_reference(x), at twice the cost: difficulty calibration, which in Watson et
al. 2022 has β = 1. With a shadow, each signal's β is the slope Cov(s, s_reference) /
Var(s_reference) over the shadow's hold-outs, which leaves the least spread of records that are no
members; without one β is 1. The target's labels have no part in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lit_clid.about import AttackSpec
from lit_clid.errors import UserError, few
from lit_clid.judging.rules import RULES
from lit_clid.provenance import refuse_changes
from lit_clid.scores import Scores, Suspects

REF = "_ref"
"""Suffix of an attack whose signals have the reference's subtracted."""
TINY = float(np.finfo(float).tiny)
MADE_ALIKE = ("seed", "resolution", "precision", "posterior")
"""Facts in which two tables must agree for one to calibrate the other."""


@dataclass(frozen=True)
class Trial:
    """One attack's columns.

    Args:
        title: how people call the attack.
        rule: key of `RULES`.
        columns: of the target's records, (N, F) float64.
        fit_on: the shadow's columns (M, F) and who is a member (M,); None without a shadow.
        queries: per record as if the attack ran alone; None for a table that does not tell.
        backward: backward passes per record.
        weights: by column, how much of the reference's signal is subtracted; None where nothing is.
        suspects: columns of further records whose membership nobody knows, (M, F); None without.
    """

    title: str
    rule: str
    columns: np.ndarray
    fit_on: tuple[np.ndarray, np.ndarray] | None
    queries: int | None
    backward: int
    weights: Mapping[str, float] | None = None
    suspects: np.ndarray | None = None


def trials(
    target: Scores,
    shadow: Scores | None,
    reference: Scores | None,
    reference_shadow: Scores | None,
) -> dict[str, Trial]:
    """Every attack's trial by name, those minus the reference among them.

    Raises:
        UserError: if the tables lack columns, or were not made alike.
    """
    if shadow is not None and (shadow.claim or shadow.suspects is not None):
        raise UserError(
            f"{shadow.where}: cells of 'member' are empty; a shadow calibrates by records whose "
            "membership is known"
        )
    found = _trials(target, shadow, lambda table: table, None)
    if reference is None or (shadow is not None and reference_shadow is None):
        return found
    if reference_shadow is not None:
        claims = (reference.about.claims, reference_shadow.about.claims)
        asked, asked_of_shadow = (None if each is None else each.model for each in claims)
        refuse_changes({"model": asked_of_shadow}, {"model": asked}, reference_shadow.where)
    beside = {id(target): reference, id(shadow): reference_shadow}
    weights = dict.fromkeys(reference.signals, 1.0)
    if shadow is not None and reference_shadow is not None:
        weights = reference_weights(shadow, reference_shadow)
    subtracted = _trials(target, shadow, lambda t: difference(t, beside[id(t)], weights), weights)
    return found | {name + REF: trial for name, trial in subtracted.items()}


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
        _check_kinship(table, reference, tuple(attacks), ("split", "importance"))
    return attacks


def _trials(
    target: Scores,
    shadow: Scores | None,
    view: Callable[[Scores], Scores],
    weights: Mapping[str, float] | None,
) -> dict[str, Trial]:
    """Every attack's trial by name, on `view` of both tables."""
    graded, fitted = view(target), None if shadow is None else view(shadow)
    attacks = _attacks(graded)
    _check_columns(attacks, graded)
    if fitted is not None:
        _check_columns(attacks, fitted)
        _check_kinship(graded, fitted, tuple(attacks))
    found: dict[str, Trial] = {}
    for name, spec in attacks.items():
        trial = _trial(name, spec, graded, fitted)
        found[name] = trial if weights is None else _subtracted(trial, spec, weights)
    return found


def _trial(name: str, spec: AttackSpec, graded: Scores, fitted: Scores | None) -> Trial:
    """One attack's trial from what the table tells of it."""
    return Trial(
        title=spec.title or name,
        rule=spec.rule,
        columns=graded.columns(spec.columns),
        fit_on=None if fitted is None else (fitted.columns(spec.columns), fitted.member),
        queries=spec.queries,
        backward=spec.backward,
        suspects=None if graded.suspects is None else graded.suspects.columns(spec.columns),
    )


def _subtracted(trial: Trial, spec: AttackSpec, weights: Mapping[str, float]) -> Trial:
    """The trial of a difference: what it subtracts, and that two models were asked."""
    return replace(
        trial,
        title=f"{trial.title} − {'reference' if trial.fit_on is None else 'β · reference'}",
        queries=None if trial.queries is None else 2 * trial.queries,
        backward=2 * trial.backward,
        weights={column: weights[column] for column in spec.columns},
    )


def _attacks(table: Scores) -> Mapping[str, AttackSpec]:
    """The attacks a table tells of; each column is one where it tells of none."""
    alone = {column: AttackSpec(columns=(column,), rule="first") for column in table.signals}
    return table.about.attacks or alone


def _check_columns(attacks: Mapping[str, AttackSpec], scores: Scores) -> None:
    columns = [column for spec in attacks.values() for column in spec.columns]
    missing = [column for column in columns if column not in scores.signals]
    if missing:
        raise UserError(
            f"{scores.where}: no column {few(missing)}; target and shadow tables need the same "
            "columns"
        )
    rules = {spec.rule for spec in attacks.values()}
    unknown = sorted(rules - set(RULES))
    if unknown:
        raise UserError(
            f"{scores.where}: unknown rule {few(unknown)} in its .json; known: {few(list(RULES))}"
        )


def _check_kinship(
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
