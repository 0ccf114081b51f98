"""Trials: which columns of the tables are one attack, and what its rule is fitted on.

Tables that were not made alike are not judged together.

An attack `a` is the target's signals s(x); where the reference was asked about the same records,
`a_ref` is s(x) − β·s_reference(x), at twice the cost: difficulty calibration, which in Watson et
al. 2022 has β = 1 (see `reference`). Where there is a shadow and several attacks, `stacked` weighs
the columns of all of them; in `stacked_ref` those that the reference was asked for are differences.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from lit_clid.asked import AttackSpec
from lit_clid.errors import UserError, few
from lit_clid.judging.calibration import Verdict
from lit_clid.judging.reference import check_kinship, difference, reference_weights
from lit_clid.judging.rules import RULES
from lit_clid.provenance import refuse_changes
from lit_clid.scores import Scores

REF = "_ref"
"""Suffix of an attack whose signals have the reference's subtracted."""
STACKED = "stacked"
"""The attack that weighs the columns of all others, where a shadow says how."""

STACKS = (STACKED, STACKED + REF)
STACKABLE = 10
"""Members, and hold-outs, of a shadow from which the columns are weighed."""


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
        image, shadow_image: of each record of the target's (N,), and of the shadow's (M,), a number
            that records share which are resampled together; None where none do.
    """

    title: str
    rule: str
    columns: np.ndarray
    fit_on: tuple[np.ndarray, np.ndarray] | None
    queries: int | None
    backward: int
    weights: Mapping[str, float] | None = None
    suspects: np.ndarray | None = None
    image: np.ndarray | None = None
    shadow_image: np.ndarray | None = None

    def shadow_scores(self, verdict: Verdict) -> tuple[np.ndarray, np.ndarray] | None:
        """Scores of the shadow's records (M,), and who is a member; None without a shadow."""
        if self.fit_on is None or verdict.shadow_score is None:
            return None
        return verdict.shadow_score, self.fit_on[1]


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
    if STACKED in subtracted and STACKED in found:  # the reference shares fewer answers
        ours, theirs = found[STACKED].queries, _together(_attacks(reference)).queries
        queries = None if ours is None or theirs is None else ours + theirs
        subtracted[STACKED] = replace(subtracted[STACKED], queries=queries)
    return found | {name + REF: trial for name, trial in subtracted.items()}


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
        check_kinship(graded, fitted, tuple(attacks))
    found: dict[str, Trial] = {}
    for name, spec in attacks.items():
        trial = _trial(name, spec, graded, fitted)
        found[name] = trial if weights is None else _subtracted(trial, spec, weights)
    return found | _stacked_trial(target, shadow, graded, fitted, weights)


def _stacked_trial(
    target: Scores,
    shadow: Scores | None,
    graded: Scores,
    fitted: Scores | None,
    weights: Mapping[str, float] | None,
) -> dict[str, Trial]:
    """The trial of all columns, those that the reference was asked for minus its answers."""
    if shadow is None or fitted is None or min(_kinds(fitted)) < STACKABLE:
        return {}
    attacks, asked = _attacks(target), _attacks(graded)
    if len(attacks) < 2 or not asked or STACKED in attacks:
        return {}
    trial = _trial(STACKED, _together(attacks), _over(target, graded), _over(shadow, fitted))
    if weights is not None:
        more = _together(asked)
        some = "" if len(asked) == len(attacks) else f", {len(asked)} of them"
        trial = replace(
            trial,
            title=f"{trial.title}{some} − β · reference",
            backward=trial.backward + more.backward,
            weights={column: weights[column] for column in more.columns},
        )
    return {STACKED: trial}


def _kinds(table: Scores) -> tuple[int, int]:
    """How many members and hold-outs."""
    return int(table.member.sum()), int((~table.member).sum())


def _over(table: Scores, minus: Scores) -> Scores:
    """All signals of a table, those of `minus` in the place of its own."""
    suspects = table.suspects
    if suspects is not None and minus.suspects is not None:
        suspects = replace(suspects, signals={**suspects.signals, **minus.suspects.signals})
    return replace(minus, signals={**table.signals, **minus.signals}, suspects=suspects)


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
        image=graded.cluster,
        shadow_image=None if fitted is None else fitted.cluster,
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


def called_in_words(name: str, title: str) -> str:
    """An attack's title in a sentence; a stack's reads like one itself, and is set apart."""
    return f"“{title}”" if name in STACKS else title


def _together(attacks: Mapping[str, AttackSpec]) -> AttackSpec:
    """All columns of several attacks as those of one."""
    names = dict.fromkeys(column for spec in attacks.values() for column in spec.columns)
    evaluated = [spec.evaluated for spec in attacks.values()]
    known = [each for each in evaluated if each is not None]
    queries = sum(known) if len(known) == len(evaluated) else None
    backward = max(spec.backward for spec in attacks.values())
    title = f"All {len(attacks)} attacks stacked"
    return AttackSpec(
        title=title, columns=tuple(names), rule="discriminant", queries=queries, backward=backward
    )


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
