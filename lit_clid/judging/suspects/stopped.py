"""An audit of suspects that stopped asking: which evidence stopped it, and what it saved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_clid.asked import AskedUntil, AttackSpec
from lit_clid.judging.calibration import calibrate
from lit_clid.judging.headline import choose_beforehand
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects.asking import Plan, Ranks, evidence_of_pairs
from lit_clid.scores import Scores


@dataclass(frozen=True)
class Stopped:
    """The evidence of an audit that looks at it while it asks.

    Args:
        title: of the attack that speaks.
        until: how it asked.
        evidence: log E after every suspect or pair that was asked (K,).
        suspects, holdouts: how many of each were asked.
    """

    title: str
    until: AskedUntil
    evidence: np.ndarray
    suspects: int
    holdouts: int

    @property
    def stops(self) -> bool:
        """Whether the evidence has sufficed."""
        return bool(self.evidence.max(initial=0.0) >= -np.log(self.until.level))

    @property
    def p(self) -> float:
        """1 / max E, valid whenever one looks; at most 1."""
        return float(max(np.exp(-self.evidence.max(initial=0.0)), np.finfo(float).tiny))

    @property
    def asked(self) -> int:
        """How many records were asked."""
        return self.suspects + self.holdouts

    @property
    def saved(self) -> int:
        """How many were not."""
        return self.until.suspects + self.until.holdouts - self.asked

    def as_json(self) -> dict[str, Any]:
        return {
            "attack": self.until.attack,
            "by": self.until.by,
            "level": self.until.level,
            "p": self.p,
            "stopped": self.stops,
            "asked": {"suspects": self.suspects, "nonmembers": self.holdouts},
            "of": {"suspects": self.until.suspects, "nonmembers": self.until.holdouts},
            "log_evidence": self.evidence.tolist(),
        }


def choose_speaker(
    names: Mapping[str, AttackSpec], named: str | None, shadow: Scores | None
) -> str:
    """The attack whose evidence is looked at: named, the strongest on the shadow, or the default.

    Raises:
        UserError: if none of these says which.
    """
    if named is not None:
        return named
    if shadow is None:
        return choose_beforehand(list(names))
    strength: dict[str, float] = {}
    for name, spec in names.items():
        fit_on = shadow.columns(spec.columns), shadow.member
        verdict = calibrate(RULES[spec.rule], fit_on[0], fit_on)
        assert verdict is not None and verdict.shadow_score is not None
        strength[name] = float(auroc(curve(verdict.shadow_score, shadow.member)))
    return max(strength, key=strength.__getitem__)


class Look:
    """Looks at the evidence as answers come in.

    Args:
        plan: the order of asking.
        name, spec: of the attack that speaks.
        level: error at which it stops.
        shadow: the shadow's table; None without one.
    """

    def __init__(
        self, plan: Plan, name: str, spec: AttackSpec, level: float, shadow: Scores | None
    ) -> None:
        self.plan, self.name, self.spec, self.level = plan, name, spec, level
        self.fit_on: tuple[np.ndarray, np.ndarray] | None = None
        self.known: np.ndarray | None = None
        rule = RULES[spec.rule]
        if shadow is not None:
            self.fit_on = shadow.columns(spec.columns), shadow.member
            verdict = calibrate(rule, self.fit_on[0], self.fit_on)
            assert verdict is not None and verdict.fitted is not None
            self.known, rule = verdict.shadow_score, verdict.fitted
        self.rule = rule
        scales = RULES[spec.rule] if self.fit_on is None else RULES["first"]
        self.ranks = Ranks(scales, plan.suspect, seed=0)

    def at(self, signals: Mapping[str, np.ndarray]) -> Stopped:
        """The evidence after so many records.

        Args:
            signals: of the first k planned records by column, (k,) each.
        """
        columns = np.stack([signals[name] for name in self.spec.columns], axis=1)
        suspect = self.plan.suspect[: len(columns)]
        until = AskedUntil(
            order=self.plan.ids[: len(columns)],
            by=self.plan.by,
            attack=self.name,
            level=self.level,
            suspects=int(self.plan.suspect.sum()),
            holdouts=int((~self.plan.suspect).sum()),
        )
        counts = int(suspect.sum()), int((~suspect).sum())
        return Stopped(
            self.spec.title or self.name, until, self._evidence(columns, suspect), *counts
        )

    def _evidence(self, columns: np.ndarray, suspect: np.ndarray) -> np.ndarray:
        if self.fit_on is None:
            return self.ranks.evidence(columns)
        score = self.rule.score(columns)
        if self.plan.by == "ranks":
            return self.ranks.evidence(score[:, None])
        assert self.known is not None
        found = evidence_of_pairs(score, suspect, (self.known, self.fit_on[1]))
        return np.zeros(1) if found is None else found


def look_again(table: Scores, shadow: Scores | None) -> Stopped:
    """The same, re-derived from the table of an audit that stopped and the shadow's."""
    until = table.about.until
    assert until is not None
    place = {name: k for k, name in enumerate(table.ids)}
    rows = [place[name] for name in until.order]
    plan = Plan(until.order, table.member[rows], until.by)
    look = Look(plan, until.attack, table.about.attacks[until.attack], until.level, shadow)
    found = look.at({name: values[rows] for name, values in table.signals.items()})
    return replace(found, until=until)
