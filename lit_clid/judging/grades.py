"""Grades: one attack's figures on the target's records, by their labels.

AUROC, TPR at a capped FPR and TNR at a capped FNR speak of the score at every threshold; the ASR
is the balanced accuracy ½·(TPR + TNR) at the one threshold carried over from shadow, the oracle ASR
at the best threshold of the graded records themselves. Thresholds that cap the FPR on the shadow
are carried over, too: `carried`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_clid.judging.calibration import Verdict
from lit_clid.judging.evidence import (
    Estimate,
    Evidence,
    Unresolved,
    estimate,
    paired_auroc_difference,
)
from lit_clid.judging.rates import NO_SHADOW, Carried, capped_rate, carried_rates
from lit_clid.judging.roc import Curve, Statistic, auroc, best_accuracy, curve
from lit_clid.judging.trials import Trial
from lit_clid.scores import Scores

FPR_CAPS = (0.1, 0.01, 0.001)
"""The false-positive rates reported, and the false-negative rates of `tnr_at_fnr`."""
CAPS = {f"{cap:g}": cap for cap in FPR_CAPS}
STATISTICS: dict[str, Statistic] = {"auroc": auroc, "oracle_asr": best_accuracy}
HEADLINE = Unresolved("the headline attack itself", shown="–")
"""How the headline attack differs from itself."""


@dataclass(frozen=True)
class Grade:
    """One row of the report.

    Args:
        title: how people call the attack.
        verdict: scores, threshold and rule.
        auroc: in [0, 1], one half for guessing.
        asr: in [0, 1]; unresolved without a shadow.
        oracle_asr: in [½, 1]; its threshold saw the graded labels.
        tpr_at_fpr, tnr_at_fnr: rates in [0, 1] by the cap ("0.1", "0.01", "0.001"), unresolved
            where the cap allows less than one record.
        carried: rates at the threshold of that FPR on the shadow, by the cap.
        queries: per record as if the attack ran alone, those to the reference included; None for
            a table that does not tell.
        backward: backward passes per record.
        shadow_auroc: on the shadow's own records, which picks the headline attack; None without
            a shadow.
        weights: by column, how much of the reference's signal is subtracted (β); None where nothing
            is.
        versus_headline: AUROC of the headline attack minus this one's, paired on resampled
            records; unresolved for the headline attack itself.
    """

    title: str
    verdict: Verdict
    auroc: Estimate
    asr: Evidence
    oracle_asr: Estimate
    tpr_at_fpr: Mapping[str, Evidence]
    tnr_at_fnr: Mapping[str, Evidence]
    carried: Mapping[str, Carried | Unresolved]
    queries: int | None
    backward: int
    shadow_auroc: float | None
    weights: Mapping[str, float] | None = None
    versus_headline: Evidence = HEADLINE

    def as_json(self) -> dict[str, Any]:
        tpr = {cap: figure.as_json() for cap, figure in self.tpr_at_fpr.items()}
        tnr = {cap: figure.as_json() for cap, figure in self.tnr_at_fnr.items()}
        versus = self.versus_headline
        difference = None if isinstance(versus, Unresolved) else versus.as_json()
        return {
            "title": self.title,
            "auroc": self.auroc.as_json(),
            "asr": self.asr.as_json(),
            "oracle_asr": self.oracle_asr.as_json(),
            "tpr_at_fpr": tpr,
            "tnr_at_fnr": tnr,
            "carried": {cap: found.as_json() for cap, found in self.carried.items()},
            "queries": self.queries,
            "backward": self.backward,
            "rule": self.verdict.rule,
            "threshold": self.verdict.threshold,
            "shadow_auroc": self.shadow_auroc,
            "reference_weights": None if self.weights is None else dict(self.weights),
            "auroc_of_headline_minus_this": difference,
        }


def grade(trial: Trial, verdict: Verdict, member: np.ndarray) -> Grade:
    """Grade one attack's verdict on the target's records by who is a member, (N,) bool."""
    score, image = verdict.score, trial.image
    figures = estimate(STATISTICS, score, member, image)
    shadow, mirrored = trial.shadow_scores(verdict), (-score, ~member)
    tpr = {name: capped_rate(score, member, cap, image) for name, cap in CAPS.items()}
    tnr = {name: capped_rate(*mirrored, cap, image) for name, cap in CAPS.items()}
    carried: dict[str, Carried | Unresolved] = {}
    for name, cap in CAPS.items():
        carried[name] = carried_rates(score, member, shadow, cap, image)
    return Grade(
        title=trial.title,
        verdict=verdict,
        auroc=figures["auroc"],
        asr=_carried_accuracy(verdict, member, image),
        oracle_asr=figures["oracle_asr"],
        tpr_at_fpr=tpr,
        tnr_at_fnr=tnr,
        carried=carried,
        queries=trial.queries,
        backward=trial.backward,
        shadow_auroc=None if shadow is None else float(auroc(curve(*shadow))),
        weights=trial.weights,
    )


def _carried_accuracy(verdict: Verdict, member: np.ndarray, image: np.ndarray | None) -> Evidence:
    """Balanced accuracy of the calls at the threshold carried over from shadow: ½·(TPR + TNR)."""
    if verdict.threshold is None:
        return NO_SHADOW
    called = (verdict.score >= verdict.threshold).astype(float)

    def accuracy(roc: Curve) -> np.ndarray:
        if len(np.unique(called)) == 1:
            return np.full(roc.tpr.shape[:-1], 0.5)
        return (roc.tpr[..., 1] + 1 - roc.fpr[..., 1]) / 2

    return estimate({"asr": accuracy}, called, member, image)["asr"]


def compared(grades: Mapping[str, Grade], headline: str, target: Scores) -> dict[str, Grade]:
    """Add the paired difference between the headline attack and every other."""
    best = grades[headline].verdict.score
    found = dict(grades)
    for name, each in grades.items():
        if name != headline:
            score, image = each.verdict.score, target.cluster
            versus = paired_auroc_difference(best, score, target.member, image)
            found[name] = replace(each, versus_headline=versus)
    return found
