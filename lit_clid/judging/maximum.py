"""The strongest of several attacks, tested against the strongest of chance.

The largest AUROC among attacks is larger than one half even where none of them knows anything, and
its own interval does not tell. Under the null hypothesis labels are exchangeable: the same maximum
over permuted labels is its exact distribution, whatever the correlation of the attacks (Westfall
and Young 1993, § 2.3). Scores must not have seen the labels. Among very many records the AUROCs of
permuted labels are normal: they are drawn as such, with the covariance that permuting gives them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.evidence import BLOCK, TAIL
from lit_clid.judging.many import MANY

PERMUTATIONS = 2000
SLACK = 1e-12
"""Float error of two AUROCs that are equal."""


@dataclass(frozen=True)
class Maximum:
    """The largest AUROC among attacks beside those of permuted labels.

    Args:
        value: in [0, 1], on the labels as they are.
        attacks: how many it was chosen from.
        p: (1 + permutations with a maximum as large) / (1 + permutations), in (0, 1].
        critical: in [0, 1]; a larger `value` has p ≤ `TAIL`, the error of an interval's lower end.
    """

    value: float
    attacks: int
    p: float
    critical: float

    @property
    def low(self) -> float:
        """A lower bound of the AUROC that allows for the choice; above one half if p ≤ `TAIL`."""
        return 0.5 + self.value - self.critical

    def as_json(self) -> dict[str, float | int]:
        return {
            "attacks": self.attacks,
            "permutations": PERMUTATIONS,
            "p": self.p,
            "critical_maximum": self.critical,
        }


def maximum(
    scores: Sequence[np.ndarray],
    member: np.ndarray,
    seed: int = 0,
    image: np.ndarray | None = None,
) -> Maximum:
    """Test the largest AUROC of `scores` by permuting the labels.

    Args:
        scores: of A attacks, each (N,), larger = more member-like.
        member: (N,) bool, both kinds among them.
        seed: of the permutations.
        image: of each record (N,), whose records keep one label; None where each has its own.
    """
    ranks = np.stack([midranks(score) for score in scores])
    value = float(_largest(ranks, member[None])[0])
    rng = np.random.default_rng(seed)
    number = np.arange(len(member)) if image is None else image
    _, heads, place = np.unique(number, return_index=True, return_inverse=True)
    if len(member) >= MANY:
        chance = np.sort(_normal(ranks, member, heads, place, rng))[::-1]
    else:
        found: list[np.ndarray] = []
        block = max(1, BLOCK // len(member))
        for start in range(0, PERMUTATIONS, block):
            rows = min(block, PERMUTATIONS - start)
            labels = rng.permuted(np.tile(member[heads], (rows, 1)), axis=1)[:, place]
            found.append(_largest(ranks, labels))
        chance = np.sort(np.concatenate(found))[::-1]
    p = (1 + int((chance >= value - SLACK).sum())) / (1 + PERMUTATIONS)
    allowed = int(TAIL * (1 + PERMUTATIONS)) - 1
    return Maximum(value, len(ranks), p, float(chance[allowed]))


def midranks(score: np.ndarray) -> np.ndarray:
    """Ranks (N,) from 1 up, equal scores sharing the mean of theirs."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    middle: np.ndarray = np.cumsum(counts) - (counts - 1) / 2
    return middle[inverse]


def _largest(ranks: np.ndarray, member: np.ndarray) -> np.ndarray:
    """The largest AUROC over attacks (P,) of midranks (A, N) for labels (P, N)."""
    members = member.sum(axis=1)
    holdouts = member.shape[1] - members
    sums = ranks @ member.T.astype(float)
    aurocs: np.ndarray = (sums - members * (members + 1) / 2) / (members * holdouts)
    return aurocs.max(axis=0)


def _normal(
    ranks: np.ndarray,
    member: np.ndarray,
    heads: np.ndarray,
    place: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The largest AUROC over attacks (P,) of midranks (A, N), of labels permuted at random.

    AUROC − ½ is Σ_{members} (r − (N + 1)/2) / (m·n): a sum over g of G images drawn without
    replacement, whose covariance is g·(G − g)/(G·(G − 1))·Σ d_a·d_b over all G (Cochran 1977, § 2).

    Args:
        heads: a record of each image (G,).
        place: of each record's image (N,).
    """
    every, images = len(member), len(heads)
    inside, members = int(member[heads].sum()), int(member.sum())
    deviations = ranks - (every + 1) / 2
    if images < every:
        deviations = np.stack([np.bincount(place, each, images) for each in deviations])
    products = deviations @ deviations.T
    covariance = products * inside * (images - inside) / (images * (images - 1))
    spread = covariance / (members * (every - members)) ** 2
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = rng.standard_normal((PERMUTATIONS, len(ranks))) @ root.T
    largest: np.ndarray = 0.5 + drawn.max(axis=1)
    return largest
