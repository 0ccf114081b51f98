"""The judgement: every attack's grades with intervals, from the score tables alone.

Each attack is a trial; its rule is fitted on the shadow's records and gives a verdict on the
target's, whose labels only grade it. The headline attack is named beforehand or the strongest on
the shadow; without either it is the strongest of all, and tested as that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lit_clid.about import Spent
from lit_clid.asked import Cost
from lit_clid.errors import UserError, few
from lit_clid.ids import Ids
from lit_clid.judging.controls.all import controls_of
from lit_clid.judging.controls.control import Control
from lit_clid.judging.epsilon import EpsilonBound, epsilon_of
from lit_clid.judging.evidence import independent
from lit_clid.judging.grades import Grade, compared, grade
from lit_clid.judging.headline import check_headline, choose_beforehand, find_headline
from lit_clid.judging.maximum import Maximum, maximum
from lit_clid.judging.quarantine import Gap, aligned, gaps_of
from lit_clid.judging.showable import smallest_auroc
from lit_clid.judging.suspects.answer import Answer, answer
from lit_clid.judging.trials import trials
from lit_clid.judging.verdicts import calibrated
from lit_clid.scores import Scores

REFERENCES = ("reference", "reference_shadow")
"""Tables of the reference's answers."""


@dataclass(frozen=True)
class Judgement:
    """All attacks on one target.

    Args:
        target, shadow: their tables; no shadow's without a shadow.
        grades: by attack name.
        unjudged: attacks that need a shadow and had none.
        headline: the attack the verdict speaks of.
        chosen: how it was: "named" beforehand, the strongest on the "shadow", the "maximum" on
            the graded labels or, for a claim, the "default".
        beside: further tables by name, those of the reference among them.
        selection: the test of the maximum over attacks; None where the choice saw no graded label.
        answer: about records whose membership nobody knows; None without any.
        controls: what else than training would explain what was found.
        epsilon: a lower bound of ε by the headline attack; None without a shadow or known members.
        blind: features of the target's records that no model has seen; None if there are none.
    """

    target: Scores
    shadow: Scores | None
    grades: Mapping[str, Grade]
    unjudged: tuple[str, ...]
    headline: str
    chosen: str
    beside: Mapping[str, Scores] = field(default_factory=dict)
    selection: Maximum | None = None
    answer: Answer | None = None
    controls: tuple[Control, ...] = ()
    epsilon: EpsilonBound | None = None
    blind: Scores | None = None

    @property
    def smallest(self) -> float | None:
        """The smallest true AUROC that so many records would have shown nine times in ten; None if
        there is none.
        """
        critical = None if self.selection is None else self.selection.critical
        return smallest_auroc(*independent(self.target.member, self.target.cluster), critical)

    @property
    def claim(self) -> bool:
        """Whether no member is known, and suspects are compared in their place."""
        return self.target.claim

    @property
    def ranked(self) -> list[tuple[str, Grade]]:
        """(name, grade), largest AUROC first."""
        return sorted(self.grades.items(), key=lambda item: -item[1].auroc.value)

    @property
    def members(self) -> int:
        """How many of the target's records are members."""
        return int(self.target.member.sum())

    @property
    def holdouts(self) -> int:
        """How many of the target's records are not."""
        return int((~self.target.member).sum())

    @property
    def kind(self) -> str:
        """What the records are called that are compared with hold-outs."""
        return "suspects" if self.claim else "members"

    @property
    def counts(self) -> dict[str, int]:
        """How many records are of each kind."""
        found = {"nonmembers": self.holdouts}
        if self.answer is not None:
            found["suspects"] = len(self.answer.ids)
        return found if self.claim else {"members": self.members, **found}

    @property
    def tables(self) -> dict[str, Scores | None]:
        """Every table by name; None for the shadow's without a shadow."""
        return {"target": self.target, "shadow": self.shadow, **self.beside}

    @property
    def provenance(self) -> dict[str, Any]:
        """What made each table, as plain values; None for the shadow's without a shadow."""
        return {name: table and table.about.as_json() for name, table in self.tables.items()}

    @property
    def costs(self) -> dict[str, Cost]:
        """What each table cost, by name, as far as its audit tells."""
        found: dict[str, Cost] = {}
        for name, table in self.tables.items():
            if table is not None and table.about.queries is not None:
                found[name] = table.about.queries
        return found

    @property
    def queries(self) -> dict[str, Any]:
        """The costs as plain values, and the `total` of queries; empty if no table tells."""
        told: dict[str, Any] = {name: cost.as_json() for name, cost in self.costs.items()}
        return {**told, "total": sum(each["total"] for each in told.values())} if told else {}

    @property
    def skipped(self) -> tuple[str, ...]:
        """Records that the target was not asked about, with the reason."""
        return self.target.about.skipped

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Records that are in no figure, for a model has no finite answer about them."""
        return gaps_of(self.tables)

    @property
    def shared_captions(self) -> dict[str, int] | None:
        """How many `records` have how many `captions`, if members and hold-outs share some."""
        return self.target.about.shared_captions

    @property
    def weakened(self) -> tuple[str, ...]:
        """Attacks that live on the caption, where members and hold-outs share their captions."""
        if self.shared_captions is None:
            return ()
        specs = self.target.about.attacks
        by_caption = {name for name, spec in specs.items() if spec.by_caption}
        return tuple(name for name in self.grades if name.removesuffix("_ref") in by_caption)

    @property
    def privacy(self) -> Spent | None:
        """What the target's private training spent; None if it was not private."""
        training = self.target.about.training
        return None if training is None else training.privacy

    @property
    def reference(self) -> str | None:
        """The model whose signals are subtracted; None if there is none."""
        asked = [self.beside[name] for name in REFERENCES if name in self.beside]
        return asked[0].about.model or "another model" if asked else None


def judge(
    target: Scores,
    shadow: Scores | None = None,
    reference: Scores | None = None,
    reference_shadow: Scores | None = None,
    headline: str | None = None,
    fdr: float = 0.1,
    level: float = 0.01,
    blind: Scores | None = None,
    swapped: Scores | None = None,
    cascade: Scores | None = None,
) -> Judgement:
    """Calibrate every attack of the target's table on the shadow's and grade it.

    Where the reference's answers about the same records are given, every signal minus β times the
    reference's is an attack of its own, `…_ref` (difficulty calibration, see `trials`). A
    table without provenance is judged column by column.

    Args:
        target: the table that is graded.
        shadow: the table that rules and thresholds are fitted on.
        reference: the reference's signals of the target's records.
        reference_shadow: the reference's signals of the shadow's records.
        headline: the attack the verdict speaks of, named before any label was seen; None takes the
            strongest on the shadow and, without one, tests the maximum over attacks; for a claim it
            takes the first of `BEFOREHAND`.
        fdr, level: of the list of suspects and of the sequential test, where there are any.
        blind: features of the target's records that no model has seen; None asks no such control.
        swapped: answers about some of them with captions of others; None asks no such control.
        cascade: an expensive attack's answers about the suspects and hold-outs in question.

    Raises:
        UserError: if the tables do not belong together, no attack can be judged, or `headline` is
            none of those that are.
    """
    if target.about.until is not None:
        raise UserError(
            f"{target.where}: is of an audit that stopped asking, whose figures an ordinary "
            "judgement would bend; read it with lit-clid audit scores=FILE"
        )
    told = (target, shadow, reference, reference_shadow, blind, swapped, cascade)
    target, shadow, reference, reference_shadow, blind, swapped, cascade = aligned(*told)
    tried = trials(target, shadow, reference, reference_shadow)
    given = calibrated(tried)
    unjudged = tuple(name for name in tried if name not in given)
    if not given:
        raise UserError(
            f"attacks: {few(list(unjudged))} cannot be judged without a shadow; train one or add "
            "clid_th"
        )
    if headline is not None:
        check_headline(headline, given, unjudged)
    grades = {name: grade(tried[name], verdict, target.member) for name, verdict in given.items()}
    speaks, chosen = find_headline(grades, headline, claim=target.claim)
    selection = None
    if chosen == "maximum":
        every = [verdict.score for verdict in given.values()]
        selection = maximum(every, target.member, image=target.cluster)
    beside = {"reference": reference, "reference_shadow": reference_shadow}
    beside |= {"swapped": swapped, "cascade": cascade}
    kept = {name: table for name, table in beside.items() if table is not None}
    answered = None
    if target.claim or target.suspects is not None:
        speaker = choose_beforehand(list(grades)) if chosen == "maximum" else speaks
        answered = answer(tried, given, speaker, target, fdr, level, cascade)
    known = _scores_of(blind, target, given[speaks].score)
    return Judgement(
        target=target,
        shadow=shadow,
        grades=compared(grades, speaks, target),
        unjudged=unjudged,
        headline=speaks,
        chosen=chosen,
        beside=kept,
        selection=selection,
        answer=answered,
        controls=controls_of(target, known, blind, reference, answered, swapped, tried),
        epsilon=epsilon_of(tried[speaks], given[speaks], target),
        blind=blind,
    )


def _scores_of(blind: Scores | None, target: Scores, score: np.ndarray) -> dict[str, float]:
    """id → score of the records that the controls look at."""
    if blind is None:
        return {}
    place = Ids(target.ids).places(blind.ids)
    pairs = zip(blind.ids, place.tolist(), strict=True)
    return {name: float(score[k]) for name, k in pairs if k >= 0}
