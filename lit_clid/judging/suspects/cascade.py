"""A list in two stages: a cheap attack on all, an expensive one on the records in question.

In question are the highest of suspects and hold-outs *together*, by the attack that speaks. These
are ranked by the expensive attack, and all others below them: one score per record, made without
regard to who is a suspect. Conformal p-values of such a score are valid, and a list of them keeps
its false-discovery rate (Marandon et al. 2024), although most records were never asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import Any

import numpy as np

from lit_clid.errors import UserError
from lit_clid.judging.rules import RULES
from lit_clid.scores import Scores


@dataclass(frozen=True)
class Cascade:
    """The second stage of a list.

    Args:
        attack, title: that was asked about the records in question.
        asked: how many those were.
        of: all records.
        queries: per record in question; None for a table that does not tell.
    """

    attack: str
    title: str
    asked: int
    of: int
    queries: int | None

    def as_json(self) -> dict[str, Any]:
        return {
            "attack": self.attack,
            "asked": self.asked,
            "of": self.of,
            "queries": self.queries,
        }


def in_question(scores: Mapping[str, float], keep: float) -> list[str]:
    """The records in question: a share `keep` of all, rounded up, the highest scores first.

    Args:
        scores: id → score of suspects and hold-outs.
        keep: in (0, 1).
    """
    ranked = sorted(scores, key=lambda name: (-scores[name], _lot(name)))
    return ranked[: ceil(keep * len(ranked))]


def _lot(name: str) -> bytes:
    """Where a record stands among equal scores, whatever kind of name suspects have."""
    return blake2b(name.encode(), digest_size=8).digest()


def two_stages(
    suspects: Sequence[str], holdouts: Sequence[str], table: Scores
) -> tuple[np.ndarray, np.ndarray, Cascade]:
    """Scores of suspects (M,) and hold-outs (n,) by the second stage; −∞ where it did not ask.

    Args:
        suspects, holdouts: ids.
        table: the second stage's answers.

    Raises:
        UserError: if the table is of other records.
    """
    ((attack, spec),) = table.about.attacks.items()
    rule = RULES[spec.rule].prior(table.columns(spec.columns))
    strange = sorted(set(table.ids) - {*suspects, *holdouts})
    if rule is None or strange:
        raise UserError(
            f"{table.where}: is not of the records in question; delete it, the next audit makes it "
            "again"
        )
    given = rule.score(table.columns(spec.columns)).tolist()
    found = dict(zip(table.ids, given, strict=True))
    ours, theirs = (_given(found, names) for names in (suspects, holdouts))
    every = len(suspects) + len(holdouts)
    stage = Cascade(attack, spec.title or attack, len(table.ids), every, spec.queries)
    return ours, theirs, stage


def _given(scores: Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    return np.array([scores.get(name, -np.inf) for name in names])
