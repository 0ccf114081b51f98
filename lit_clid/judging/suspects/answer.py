"""The answer about suspects: their set, their share, and each of them, by one attack.

The attack is named beforehand or chosen on the shadow, never on the suspects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lit_clid.errors import UserError
from lit_clid.ids import Ids
from lit_clid.judging.calibration import Verdict, calibrate
from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects.cascade import Cascade, two_stages
from lit_clid.judging.suspects.combined import Combined, combined_test
from lit_clid.judging.suspects.groups import Group, judge_groups
from lit_clid.judging.suspects.listing import Listing, list_suspects
from lit_clid.judging.suspects.sequence import Sequential, ask_in_order
from lit_clid.judging.suspects.share import Share, share
from lit_clid.judging.suspects.together import SetTest, set_test
from lit_clid.judging.trials import REF, STACKED, Trial
from lit_clid.scores import FEWEST, Scores

LARGE = 4_000
"""Records above which all attacks are not tested together: the fit is repeated per permutation."""


@dataclass(frozen=True)
class Scored:
    """One attack's scores.

    Args:
        suspects: (M,), larger = more member-like.
        holdouts: (n,).
        shadow: scores of the shadow's records, and who is a member; None without a shadow.
    """

    suspects: np.ndarray
    holdouts: np.ndarray
    shadow: tuple[np.ndarray, np.ndarray] | None


@dataclass(frozen=True)
class Answer:
    """What is known of M suspects beside n hold-outs.

    Args:
        attack, title: that speaks.
        ids: of the suspects (M,).
        scores: theirs (M,).
        holdouts: n.
        whole: the test of the set.
        share: of them that the model was trained on.
        listing: of them by name.
        sequential: the same set asked in random order; how many suspects would have sufficed.
        combined: all attacks together; None for few records or very many.
        reference: the test of the set by `…_ref` of the same attack; None without a reference.
        groups: each with a verdict of its own, where suspects are grouped.
        cascade: the second stage of the list; None where it has one.
        ranked: id → score of suspects and hold-outs.
        second: id → score in the second stage, of those that were asked.
        looked: error of a sequential test that was looked at first and did not stop.
        every: the suspects' scores (M,) by every attack that was judged.
    """

    attack: str
    title: str
    ids: Sequence[str]
    scores: np.ndarray
    holdouts: int
    whole: SetTest
    share: Share
    listing: Listing
    sequential: Sequential
    combined: Combined | None
    reference: SetTest | None
    groups: tuple[Group, ...] = ()
    cascade: Cascade | None = None
    ranked: Mapping[str, float] = field(default_factory=dict)
    second: Mapping[str, float] = field(default_factory=dict)
    looked: float | None = None
    every: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[str, float, float, float, bool]]:
        """(id, score, p, q, named) of every suspect, smallest p first."""
        found: list[tuple[str, float, float, float, bool]] = []
        named = set(self.listing.named)
        order = np.lexsort((-self.scores, self.listing.p))
        for k in map(int, order):
            p, q = float(self.listing.p[k]), float(self.listing.q[k])
            found.append((self.ids[k], float(self.scores[k]), p, q, k in named))
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "attack": self.attack,
            "suspects": len(self.ids),
            "comparable": self.holdouts,
            "set": self.whole.as_json(),
            "set_minus_reference": self.reference and self.reference.as_json(),
            "all_attacks_together": self.combined and self.combined.as_json(),
            "sequential": self.sequential.as_json(),
            "share": self.share.as_json(),
            "list": self.listing.as_json(),
            "looked_first_at": self.looked,
            "cascade": self.cascade and self.cascade.as_json(),
            "groups": [each.as_json() for each in self.groups],
        }


def answer(
    tried: Mapping[str, Trial],
    given: Mapping[str, Verdict],
    attack: str,
    target: Scores,
    fdr: float,
    level: float,
    cascade: Scores | None = None,
) -> Answer:
    """Answer about the suspects of a table.

    Args:
        tried: every attack's trial by name.
        given: the verdict of each that can be judged.
        attack: the one that speaks.
        target: the table, with suspects.
        fdr: false-discovery rate of the list, in (0, 1).
        level: error of the sequential test, in (0, 1).
        cascade: answers about the records in question; None where the list has one stage.

    Raises:
        UserError: for fewer than two suspects or hold-outs.
    """
    told = target.suspects
    every = Ids(target.ids)
    ids = every.take(target.member) if told is None else Ids(told.ids)
    scored = score_suspects(tried[attack], given[attack], target.member)
    for count, kind in ((len(ids), "suspects"), (len(scored.holdouts), "hold-outs")):
        if count < FEWEST:
            raise UserError(f"{target.where}: {count} {kind} are too few; give at least {FEWEST}")
    order = np.random.default_rng(0).permutation(len(ids))
    beside = attack + REF
    reference = None
    if beside in given:
        less = score_suspects(tried[beside], given[beside], target.member)
        reference = set_test(less.suspects, less.holdouts, less.shadow)
    outside = every.take(~target.member)
    ours, theirs, stage = scored.suspects, scored.holdouts, None
    if cascade is not None:
        ours, theirs, stage = two_stages(ids, outside, cascade)
    of_suspects = dict(zip(ids, scored.suspects.tolist(), strict=True))
    of_holdouts = dict(zip(outside, scored.holdouts.tolist(), strict=True))
    return Answer(
        attack=attack,
        title=tried[attack].title,
        ids=ids,
        scores=scored.suspects,
        holdouts=len(scored.holdouts),
        whole=set_test(scored.suspects, scored.holdouts, scored.shadow),
        share=share(scored.suspects, scored.holdouts, scored.shadow),
        listing=list_suspects(ours, theirs, fdr),
        sequential=ask_in_order(scored.suspects[order], scored.holdouts, level),
        combined=_together(tried, given, target.member),
        reference=reference,
        groups=judge_groups(of_suspects, of_holdouts, target.groups, scored.shadow),
        cascade=stage,
        ranked=of_suspects | of_holdouts,
        second=_asked_again(ids, ours) if stage else {},
        looked=((target.about.config or {}).get("evidence") or {}).get("stop_at"),
        every=_by_every(tried, given, target.member),
    )


def _by_every(
    tried: Mapping[str, Trial], given: Mapping[str, Verdict], member: np.ndarray
) -> dict[str, np.ndarray]:
    """The suspects' scores by every attack."""
    found: dict[str, np.ndarray] = {}
    for name, verdict in given.items():
        found[name] = score_suspects(tried[name], verdict, member).suspects
    return found


def _asked_again(ids: Sequence[str], scores: np.ndarray) -> dict[str, float]:
    pairs = zip(ids, scores.tolist(), strict=True)
    return {name: score for name, score in pairs if np.isfinite(score)}


def score_suspects(trial: Trial, verdict: Verdict, member: np.ndarray) -> Scored:
    """Scores of suspects and hold-outs under the attack's rule, fitted on the shadow where there is
    one; else its scales are those of all these records, without labels.

    Args:
        trial: of the attack.
        verdict: on the trial's own records.
        member: of the trial's own records (N,); they are the suspects where it has no others.
    """
    if trial.suspects is None:
        shadow = trial.shadow_scores(verdict)
        return Scored(verdict.score[member], verdict.score[~member], shadow)
    if trial.fit_on is not None and verdict.fitted is not None:
        further = verdict.fitted.score(trial.suspects)
        return Scored(further, verdict.score[~member], trial.shadow_scores(verdict))
    both = np.concatenate([trial.columns, trial.suspects])
    scaled = calibrate(RULES[trial.rule], both, None)
    if scaled is None:
        raise UserError(f"headline: {trial.title} cannot be judged without a shadow; name another")
    own, further = scaled.score[: len(member)], scaled.score[len(member) :]
    return Scored(further, own[~member], None)


def _together(
    tried: Mapping[str, Trial], given: Mapping[str, Verdict], member: np.ndarray
) -> Combined | None:
    """The test of every plain attack's scores together."""
    found: list[Scored] = []
    for name, verdict in given.items():
        if not name.endswith(REF) and name != STACKED:
            found.append(score_suspects(tried[name], verdict, member))
    if len(found) < 2 or len(found[0].suspects) + len(found[0].holdouts) > LARGE:
        return None
    ours = np.stack([each.suspects for each in found], axis=1)
    theirs = np.stack([each.holdouts for each in found], axis=1)
    return combined_test(ours, theirs)
