"""The judgement: every attack's figures with intervals, from the score tables alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lit_clid import evidence, metrics
from lit_clid.calibration import Verdict, calibrate
from lit_clid.errors import UserError, few
from lit_clid.evidence import Figure
from lit_clid.provenance import refuse_changes
from lit_clid.rules import RULES
from lit_clid.scores import Scores

CAPS = {f"{cap:g}": cap for cap in metrics.FPR_CAPS}


@dataclass(frozen=True)
class AttackResult:
    """One row of the report.

    Args:
        title: how people call the attack.
        verdict: scores, threshold and rule.
        auroc, asr, oracle_asr: figures; `asr` has no value without a shadow, `oracle_asr` uses the graded labels.
        tpr_at_fpr, tnr_at_fnr: figures keyed by the cap ("0.1", "0.01", "0.001").
        queries: queries per record as if the attack ran alone; None for a table that does not tell.
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
            "rule": self.verdict.rule,
            "threshold": self.verdict.threshold,
            "shadow_auroc": self.shadow_auroc,
            "auroc_of_headline_minus_this": self.versus_headline.as_json() if self.versus_headline else None,
        }


@dataclass(frozen=True)
class Judgement:
    """All attacks on one target: `results` by attack name, `unjudged` the attacks that need a shadow and had none."""

    target: Scores
    shadow: Scores | None
    results: Mapping[str, AttackResult]
    unjudged: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The attack the verdict speaks of: strongest on the shadow, so that the choice saw none of the graded labels.

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


def judge(target: Scores, shadow: Scores | None) -> Judgement:
    """Calibrate every attack of the target's table on the shadow's and grade it.

    A table without provenance is judged column by column, each column its own attack.
    """
    attacks: Mapping[str, Any] = target.provenance.get("attacks") or {
        column: {"columns": [column], "rule": "first"} for column in target.signals
    }
    _check_columns(attacks, target)
    if shadow is not None:
        _check_columns(attacks, shadow)
        _check_kinship(target, shadow)
        for rule in {spec["rule"] for spec in attacks.values()}:
            RULES[rule].check()
    results: dict[str, AttackResult] = {}
    unjudged: list[str] = []
    for name, spec in attacks.items():
        columns = spec["columns"]
        fit_on = None if shadow is None else (shadow.columns(columns), shadow.member)
        verdict = calibrate(RULES[spec["rule"]], target.columns(columns), fit_on)
        if verdict is None:
            unjudged.append(name)
        else:
            grade_on = None if shadow is None else shadow.member
            results[name] = _grade(spec.get("title", name), verdict, target.member, grade_on, spec.get("queries"))
    if not results:
        raise UserError(f"attacks: {few(unjudged)} cannot be judged without a shadow; train one or add clid_th")
    return Judgement(target, shadow, _compare(results, target.member), tuple(unjudged))


def _check_columns(attacks: Mapping[str, Any], scores: Scores) -> None:
    missing = [c for spec in attacks.values() for c in spec["columns"] if c not in scores.signals]
    if missing:
        raise UserError(f"{scores.where}: no column {few(missing)}; target and shadow tables need the same columns")
    unknown = sorted({spec["rule"] for spec in attacks.values()} - set(RULES))
    if unknown:
        raise UserError(f"{scores.where}: unknown rule {few(unknown)} in its .json; known: {few(list(RULES))}")


def _check_kinship(target: Scores, shadow: Scores) -> None:
    """A shadow's signals calibrate the target's only if they were made in the same way."""
    keys = ("seed", "resolution", "precision", "posterior", "attacks")
    made = [scores.provenance.get("claims") or {} for scores in (target, shadow)]
    wanted, found = ({key: claims.get(key) for key in keys} for claims in made)
    if all(made):
        refuse_changes(found, wanted, shadow.where)


def _grade(
    title: str, verdict: Verdict, member: np.ndarray, shadow_member: np.ndarray | None, queries: int | None
) -> AttackResult:
    score = verdict.score
    trials = {"tpr_at_fpr": int((~member).sum()), "tnr_at_fnr": int(member.sum())}
    statistics: dict[str, evidence.Statistic] = {"auroc": evidence.auroc, "oracle_asr": evidence.best_accuracy}
    for name, cap in CAPS.items():
        statistics |= {f"tpr_at_fpr {name}": evidence.tpr_at_fpr(cap), f"tnr_at_fnr {name}": evidence.tnr_at_fnr(cap)}
    figures = evidence.estimate(statistics, score, member)
    measured = metrics.measure(torch.from_numpy(score.copy()), torch.from_numpy(member.copy()))

    def rates(kind: str) -> dict[str, Figure]:
        return {
            name: replace(figures[f"{kind} {name}"], value=measured[f"{kind}_{name.replace('.', '_')}"])
            if trials[kind] * cap >= 1 - 1e-9
            else Figure(None, None, None, f"unresolved: {trials[kind]} records cannot show a rate of {name}")
            for name, cap in CAPS.items()
        }

    return AttackResult(
        title,
        verdict,
        replace(figures["auroc"], value=measured["auroc"]),
        _carried_accuracy(verdict, member),
        figures["oracle_asr"],
        rates("tpr_at_fpr"),
        rates("tnr_at_fnr"),
        queries,
        _shadow_auroc(verdict, shadow_member),
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

    return {n: r if n == headline else replace(r, versus_headline=against(r)) for n, r in results.items()}
