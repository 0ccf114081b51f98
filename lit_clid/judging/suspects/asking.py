"""Asking only as much as is needed: in which order, and what the answers so far are worth.

Suspects and hold-outs are asked in a random order that is fixed beforehand, and evidence is looked
at after every batch. By *ranks*, which need no shadow: each suspect is ranked among all records
asked before it, suspects and hold-outs, by a rule whose scales are those of these very records. A
rule that treats records alike keeps the ranks independent and uniform where suspects are
exchangeable with hold-outs, although it changes with every record (Vovk et al. 2005, ch. 8), and
they are bet on as in `sequence`. By *pairs*, with a shadow: of a suspect and a hold-out with the
shadow's density ratios r and r′, the suspect is the member with odds r : r′; each pair multiplies
the evidence by 1 − p + 2p·r / (r + r′), and the evidence is the mean over p ∈ `SHARES`. Either is a
test martingale: P(it ever reaches 1/α) ≤ α (Ville 1939).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lit_clid.judging.rule import Rule
from lit_clid.judging.suspects.sequence import evidence_of_ranks
from lit_clid.judging.suspects.together import log_ratio

SHARES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Shares of members among the suspects that pairs are bet on, fixed beforehand."""
FIRST = 20
"""Hold-outs asked before the first suspect that is ranked."""
PAIRS = 15
"""Suspects from which pairs are worth more than ranks; fewer are ranked among more hold-outs."""
BESIDE = 40
"""Hold-outs asked beside the suspects where these are fewer."""


@dataclass(frozen=True)
class Plan:
    """In which order records are asked.

    Args:
        ids: of all records, in that order.
        suspect: which of them are (N,).
        by: "pairs" or "ranks".
    """

    ids: tuple[str, ...]
    suspect: np.ndarray
    by: str


def plan_asking(
    suspects: Sequence[str], holdouts: Sequence[str], *, shadow: bool, seed: int
) -> Plan:
    """A random order, the two kinds alternating; what is left over comes last.

    Args:
        suspects, holdouts: ids, sorted.
        shadow: whether a shadow gives density ratios.
        seed: of the order.
    """
    dice = np.random.default_rng(seed)
    ours, theirs = (dice.permutation(np.array(names, object)) for names in (suspects, holdouts))
    by = "pairs" if shadow and len(ours) >= PAIRS else "ranks"
    first = 0 if by == "pairs" else FIRST
    beside = 1 if by == "pairs" else max(1, round(BESIDE / len(ours)))
    ids, kinds = list(theirs[:first]), [False] * min(first, len(theirs))
    rest = theirs[first:]
    for k, name in enumerate(ours):
        more = rest[k * beside : (k + 1) * beside]
        ids += [name, *more]
        kinds += [True, *(False for _ in more)]
    left = rest[len(ours) * beside :]
    return Plan((*ids, *left), np.array([*kinds, *(False for _ in left)], bool), by)


@dataclass
class Ranks:
    """Evidence by ranks; it is extended as answers come in.

    Args:
        rule: not fitted yet; its prior scales the columns.
        suspect: which of the planned records are suspects (N,).
        seed: of the ties.
        found: u of every suspect so far.
        seen: records so far.
    """

    rule: Rule
    suspect: np.ndarray
    seed: int
    found: list[float] = field(default_factory=list)
    seen: int = 0

    def evidence(self, columns: np.ndarray) -> np.ndarray:
        """log E after every suspect so far.

        Args:
            columns: of the records asked so far (k, F), in the planned order.
        """
        ties = np.random.default_rng(self.seed).random(len(self.suspect))
        for k in range(self.seen, len(columns)):
            if self.suspect[k]:
                self.found.append(self._rank(columns[: k + 1], float(ties[k])))
        self.seen = len(columns)
        return evidence_of_ranks(np.array(self.found))

    def _rank(self, columns: np.ndarray, tie: float) -> float:
        """u of the last record among all of them, in (0, 1]."""
        prior = self.rule.prior(columns)
        assert prior is not None
        *before, own = prior.score(columns).tolist()
        others = np.array(before)
        larger, equal = int((others > own).sum()), int((others == own).sum())
        return max((larger + tie * (1 + equal)) / (len(others) + 1), float(np.finfo(float).tiny))


def evidence_of_pairs(
    scores: np.ndarray, suspect: np.ndarray, shadow: tuple[np.ndarray, np.ndarray]
) -> np.ndarray | None:
    """log E after every pair of a suspect and a hold-out, in the order asked (P,); None where the
    shadow's members do not score higher.

    Args:
        scores: of the records asked so far (k,), larger = more member-like.
        suspect: which of them are (k,).
        shadow: scores of the shadow's records, and who is a member.
    """
    ratio = log_ratio(scores, shadow)
    if ratio is None:
        return None
    ours, theirs = ratio[suspect], ratio[~suspect]
    count = min(len(ours), len(theirs))
    odds = 1 / (1 + np.exp(theirs[:count] - ours[:count]))
    p = np.array(SHARES)[:, None]
    wealth = np.cumsum(np.log(1 - p + 2 * p * odds), axis=1)
    found: np.ndarray = np.logaddexp.reduce(wealth, axis=0) - np.log(len(SHARES))
    return found
