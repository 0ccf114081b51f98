"""Groups of suspects: artists, clients or domains, each with a verdict of its own.

Each group is tested as a set of its own, against the hold-outs of the same group where hold-outs
are grouped and against all of them where none is. The p-values are adjusted by Holm (1979): that
any group is called trained on which is not has at most the probability of the level, however the
groups depend on each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lit_clid.judging.suspects import together
from lit_clid.judging.suspects.together import set_test
from lit_clid.scores import FEWEST

FINER = 400
"""Permutations per group where a p-value is as small as few permutations can give it: the smallest
is then 1/400 after the adjustment.
"""
SMALL = 0.001
"""p from which on it is."""


@dataclass(frozen=True)
class Group:
    """One group's verdict.

    Args:
        name: as the records say.
        suspects, holdouts: how many were compared.
        p: of the permutation test, in (0, 1]; None where there were too few records.
        adjusted: for the number of groups tested, in (0, 1].
        effect: mean over its suspects minus mean over the hold-outs, in standard deviations of the
            hold-outs; None where these do not vary.
        note: why there is no p.
    """

    name: str
    suspects: int
    holdouts: int
    p: float | None = None
    adjusted: float | None = None
    effect: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.name,
            "suspects": self.suspects,
            "comparable": self.holdouts,
            "p": self.p,
            "p_adjusted": self.adjusted,
            "effect_size": self.effect,
            "note": self.note or None,
        }


def judge_groups(
    suspects: Mapping[str, float],
    holdouts: Mapping[str, float],
    groups: Mapping[str, str],
    shadow: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Group, ...]:
    """The verdict of every group of suspects, smallest p first, those without one last.

    Args:
        suspects, holdouts: id → score.
        groups: id → name of the group; records without one have no part in it.
        shadow: scores of the shadow's records, and who is a member of its training.
    """
    matched = any(name in groups for name in holdouts)
    everybody = np.array(list(holdouts.values()))
    names = sorted({groups[name] for name in suspects if name in groups})
    found: list[Group] = []
    for group in names:
        own = _scores(suspects, groups, group)
        others = _scores(holdouts, groups, group) if matched else everybody
        each = _tested(group, own, others, shadow)
        finer = min(FINER * len(names), together.MOST // (len(own) + len(others)))
        if (each.p or 1.0) <= SMALL and finer > together.PERMUTATIONS:
            each = _tested(group, own, others, shadow, finer)
        found.append(each)
    tested = [each for each in found if each.p is not None]
    adjusted = holm([each.p or 1.0 for each in tested])
    ranked = [replace(each, adjusted=p) for each, p in zip(tested, adjusted, strict=True)]
    ranked.sort(key=lambda each: (each.p or 1.0, each.name))
    return (*ranked, *(each for each in found if each.p is None))


def _scores(scores: Mapping[str, float], groups: Mapping[str, str], group: str) -> np.ndarray:
    return np.array([score for name, score in scores.items() if groups.get(name) == group])


def _tested(
    name: str,
    own: np.ndarray,
    others: np.ndarray,
    shadow: tuple[np.ndarray, np.ndarray] | None,
    permutations: int | None = None,
) -> Group:
    for records, kind in ((own, "suspect"), (others, "hold-out")):
        if len(records) < FEWEST:
            few = f"{len(records)} {kind}{'' if len(records) == 1 else 's'} of this group"
            return Group(name, len(own), len(others), note=f"unresolved: {few}")
    test = set_test(own, others, shadow, permutations=permutations)
    return Group(name, len(own), len(others), test.p, effect=test.effect)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values (G,): the largest (G − k)·p_(k) up to each rank k = 0, 1, …, at most 1."""
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled)) if len(p) else []
    found: list[float] = adjusted.tolist()
    return found
