"""The judgement: every attack's figures with intervals, from the score tables alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from lit_clid.about import AttackSpec, Cost
from lit_clid.errors import UserError, few
from lit_clid.judging import evidence, metrics
from lit_clid.judging.calibration import Verdict, calibrate
from lit_clid.judging.evidence import Figure
from lit_clid.judging.rules import RULES
from lit_clid.provenance import refuse_changes
from lit_clid.scores import Scores

REF = "_ref"
"""Suffix of an attack whose signals have the reference's subtracted."""
MADE_ALIKE = ("seed", "resolution", "precision", "posterior")
CAPS = {f"{cap:g}": cap for cap in metrics.FPR_CAPS}


@dataclass(frozen=True)
class AttackResult:
    """One row of the report.

    Args:
        title: how people call the attack.
        verdict: scores, threshold and rule.
        auroc, asr, oracle_asr: figures; `asr` has no value without a shadow, `oracle_asr` uses the
            graded labels.
        tpr_at_fpr, tnr_at_fnr: figures keyed by the cap ("0.1", "0.01", "0.001").
        queries: queries per record as if the attack ran alone, those to the reference included;
            None for a table that does not tell.
        backward: backward passes per record.
        shadow_auroc: AUROC on the shadow's own records, which picks the headline attack.
        versus_headline: AUROC of the headline attack minus this one's, paired on resampled records.
    """

    title: str
    verdict: Verdict
    auroc: Figure
    asr: Figure
    oracle_asr: Figure
    tpr_at_fpr: Mapping[str, Figure]
    tnr_at_fnr: Mapping[str, Figure]
    queries: int | None
    backward: int
    shadow_auroc: float | None
    versus_headline: Figure | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "auroc": self.auroc.as_json(),
            "asr": self.asr.as_json(),
            "oracle_asr": self.oracle_asr.as_json(),
            "tpr_at_fpr": {cap: figure.as_json() for cap, figure in self.tpr_at_fpr.items()},
            "tnr_at_fnr": {cap: figure.as_json() for cap, figure in self.tnr_at_fnr.items()},
            "queries": self.queries,
            "backward": self.backward,
            "rule": self.verdict.rule,
            "threshold": self.verdict.threshold,
            "shadow_auroc": self.shadow_auroc,
            "auroc_of_headline_minus_this": self.versus_headline.as_json()
            if self.versus_headline
            else None,
        }


@dataclass(frozen=True)
class Judgement:
    """All attacks on one target.

    Args:
        target, shadow: their tables.
        results: by attack name.
        unjudged: attacks that need a shadow and had none.
        references: the reference's tables by name, if there are any.
    """

    target: Scores
    shadow: Scores | None
    results: Mapping[str, AttackResult]
    unjudged: tuple[str, ...]
    references: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def costs(self) -> dict[str, Cost]:
        """What each table cost, by name, as far as its audit tells."""
        tables = {"target": self.target, "shadow": self.shadow, **self.references}
        return {n: t.about.queries for n, t in tables.items() if t and t.about.queries}

    @property
    def queries(self) -> dict[str, Any]:
        """The costs as plain values, and the `total` of queries; empty for tables that do not
        tell.
        """
        told = {name: cost.as_json() for name, cost in self.costs.items()}
        total = sum(cost.total for cost in self.costs.values())
        return {**told, "total": total} if told else {}

    @property
    def headline(self) -> str:
        """The attack the verdict speaks of: strongest on the shadow, so that the choice saw none of
        the graded labels.

        Without a shadow it is the strongest on the target, and the report says so.
        """
        return _headline(self.results)

    @property
    def ranked(self) -> list[tuple[str, AttackResult]]:
        """(name, result), largest AUROC first."""
        return sorted(self.results.items(), key=lambda item: -(item[1].auroc.value or 0.0))


def _headline(results: Mapping[str, AttackResult]) -> str:
    def strength(name: str) -> float:
        result = results[name]
        return (result.auroc.value or 0.0) if result.shadow_auroc is None else result.shadow_auroc

    return max(results, key=strength)


def judge(
    target: Scores,
    shadow: Scores | None = None,
    reference: Scores | None = None,
    reference_shadow: Scores | None = None,
) -> Judgement:
    """Calibrate every attack of the target's table on the shadow's and grade it.

    Where the reference's answers about the same records are given, every signal minus the
    reference's is an attack of its own, `…_ref` (difficulty calibration, Watson et al. 2022). A
    table without provenance is judged column by column.

    Args:
        reference: the reference's signals of the target's records.
        reference_shadow: the reference's signals of the shadow's records.
    """
    trials = _all_trials(target, shadow, reference, reference_shadow)
    results: dict[str, AttackResult] = {}
    unjudged: list[str] = []
    for name, trial in trials.items():
        verdict = calibrate(RULES[trial.rule], trial.columns, trial.fit_on)
        if verdict is None:
            unjudged.append(name)
        else:
            results[name] = _grade(trial, verdict, target.member)
    if not results:
        raise UserError(
            f"attacks: {few(unjudged)} cannot be judged without a shadow; train one or add clid_th"
        )
    references = {"reference": reference, "reference_shadow": reference_shadow}
    kept = {name: table for name, table in references.items() if table is not None}
    return Judgement(target, shadow, _compare(results, target.member), tuple(unjudged), kept)


def verdicts(
    target: Scores,
    shadow: Scores | None = None,
    reference: Scores | None = None,
    reference_shadow: Scores | None = None,
) -> dict[str, tuple[str, Verdict]]:
    """(title, verdict) of every attack that can be judged, as `judge` calibrates it, without any
    figure.
    """
    found: dict[str, tuple[str, Verdict]] = {}
    for name, trial in _all_trials(target, shadow, reference, reference_shadow).items():
        verdict = calibrate(RULES[trial.rule], trial.columns, trial.fit_on)
        if verdict is not None:
            found[name] = (trial.title, verdict)
    return found


def _all_trials(
    target: Scores, shadow: Scores | None, reference: Scores | None, reference_shadow: Scores | None
) -> dict[str, "_Trial"]:
    """Every attack's trial by name, those minus the reference among them."""
    trials = _trials(target, shadow, "", lambda table: table)
    if reference is not None and (shadow is None or reference_shadow is not None):
        if reference_shadow is not None:
            claims = [table.about.claims for table in (reference, reference_shadow)]
            asked = [None if each is None else each.model for each in claims]
            refuse_changes({"model": asked[1]}, {"model": asked[0]}, reference_shadow.where)
        beside = {id(target): reference, id(shadow): reference_shadow}
        trials |= _trials(target, shadow, REF, lambda table: difference(table, beside[id(table)]))
    return trials


def difference(table: Scores, reference: Scores | None) -> Scores:
    """The signals of `table` minus the reference's, of the attacks the reference was asked.

    Raises:
        UserError: if the reference was asked about other records, or in another way.
    """
    assert reference is not None
    if reference.ids != table.ids or (reference.member != table.member).any():
        raise UserError(
            f"{reference.where}: speaks of other records than {table.where}; make it again"
        )
    signals = {
        c: table.signals[c] - values
        for c, values in reference.signals.items()
        if c in table.signals
    }
    told = table.about.attacks
    asked = {name: spec for name, spec in told.items() if name in reference.about.attacks}
    if told and not asked:
        raise UserError(
            f"{reference.where}: its .json names no attack of {table.where}; restore it or "
            f"delete both"
        )
    if asked:
        _check_kinship(table, reference, tuple(asked), ("split", "importance"))
    about = replace(table.about, attacks=asked)
    return Scores(table.ids, table.member, signals, about, reference.where)


@dataclass(frozen=True)
class _Trial:
    """One attack's columns: of the target's records, and of the shadow's with who is a member."""

    title: str
    rule: str
    columns: np.ndarray
    fit_on: tuple[np.ndarray, np.ndarray] | None
    queries: int | None
    backward: int


def _trials(
    target: Scores, shadow: Scores | None, suffix: str, view: Callable[[Scores], Scores]
) -> dict[str, _Trial]:
    """Every attack's trial by name, on `view` of both tables."""
    graded, fitted = view(target), None if shadow is None else view(shadow)
    by_column = {column: AttackSpec(columns=(column,), rule="first") for column in graded.signals}
    attacks = graded.about.attacks or by_column
    _check_columns(attacks, graded)
    if fitted is not None:
        _check_columns(attacks, fitted)
        _check_kinship(graded, fitted, tuple(attacks))
        for rule in {spec.rule for spec in attacks.values()}:
            RULES[rule].check()
    double, title = (2, " − reference") if suffix else (1, "")
    return {
        name + suffix: _Trial(
            (spec.title or name) + title,
            spec.rule,
            graded.columns(spec.columns),
            None if fitted is None else (fitted.columns(spec.columns), fitted.member),
            None if spec.queries is None else double * spec.queries,
            double * spec.backward,
        )
        for name, spec in attacks.items()
    }


def _check_columns(attacks: Mapping[str, AttackSpec], scores: Scores) -> None:
    missing = [c for spec in attacks.values() for c in spec.columns if c not in scores.signals]
    if missing:
        raise UserError(
            f"{scores.where}: no column {few(missing)}; target and shadow tables need the same "
            f"columns"
        )
    unknown = sorted({spec.rule for spec in attacks.values()} - set(RULES))
    if unknown:
        raise UserError(
            f"{scores.where}: unknown rule {few(unknown)} in its .json; known: {few(list(RULES))}"
        )


def _check_kinship(
    target: Scores, other: Scores, attacks: Sequence[str], more: Sequence[str] = ()
) -> None:
    """Another model's signals calibrate the target's only if made in the same way; `more` names
    facts to agree in.
    """
    made, found = target.about.claims, other.about.claims
    if made is not None and found is not None:
        keys = (*MADE_ALIKE, *more, *(f"attacks.{name}" for name in attacks))
        wanted = {key: made.flat.get(key) for key in keys}
        refuse_changes({key: found.flat.get(key) for key in keys}, wanted, other.where)


def _grade(trial: _Trial, verdict: Verdict, member: np.ndarray) -> AttackResult:
    score = verdict.score
    trials = {"tpr_at_fpr": int((~member).sum()), "tnr_at_fnr": int(member.sum())}
    statistics: dict[str, evidence.Statistic] = {
        "auroc": evidence.auroc,
        "oracle_asr": evidence.best_accuracy,
    }
    for name, cap in CAPS.items():
        statistics |= {
            f"tpr_at_fpr {name}": evidence.tpr_at_fpr(cap),
            f"tnr_at_fnr {name}": evidence.tnr_at_fnr(cap),
        }
    figures = evidence.estimate(statistics, score, member)
    measured = metrics.measure(torch.from_numpy(score.copy()), torch.from_numpy(member.copy()))

    def rates(kind: str) -> dict[str, Figure]:
        return {
            name: replace(
                figures[f"{kind} {name}"], value=measured[f"{kind}_{name.replace('.', '_')}"]
            )
            if trials[kind] * cap >= 1 - 1e-9
            else Figure(
                None, None, None, f"unresolved: {trials[kind]} records cannot show a rate of {name}"
            )
            for name, cap in CAPS.items()
        }

    return AttackResult(
        trial.title,
        verdict,
        replace(figures["auroc"], value=measured["auroc"]),
        _carried_accuracy(verdict, member),
        figures["oracle_asr"],
        rates("tpr_at_fpr"),
        rates("tnr_at_fnr"),
        trial.queries,
        trial.backward,
        _shadow_auroc(verdict, None if trial.fit_on is None else trial.fit_on[1]),
    )


def _carried_accuracy(verdict: Verdict, member: np.ndarray) -> Figure:
    """Balanced accuracy of the calls at the threshold carried over from shadow: ½·(TPR + TNR)."""
    if verdict.threshold is None:
        return Figure(None, None, None, "no threshold without a shadow")
    called = (verdict.score >= verdict.threshold).astype(float)

    def accuracy(roc: evidence.Curve) -> np.ndarray:
        if len(np.unique(called)) == 1:
            return np.full(roc.tpr.shape[:-1], 0.5)
        return (roc.tpr[..., 1] + 1 - roc.fpr[..., 1]) / 2

    return evidence.estimate({"asr": accuracy}, called, member)["asr"]


def _shadow_auroc(verdict: Verdict, member: np.ndarray | None) -> float | None:
    if verdict.shadow_score is None or member is None:
        return None
    return float(evidence.auroc(evidence.curve(verdict.shadow_score, member)))


def _compare(results: dict[str, AttackResult], member: np.ndarray) -> dict[str, AttackResult]:
    """Add the paired difference between the headline attack and every other."""
    headline = _headline(results)
    score = results[headline].verdict.score

    def against(result: AttackResult) -> Figure:
        return evidence.paired_auroc_difference(score, result.verdict.score, member)

    return {
        n: r if n == headline else replace(r, versus_headline=against(r))
        for n, r in results.items()
    }
