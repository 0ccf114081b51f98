"""Bootstrap replicates of very many records, at a cost that replicates do not multiply.

The records of each class (images, where records share them) are dealt at random to at most `BAGS`
bags of like size, and a replicate resamples bags whole: their means spread as those of records do,
divided by a bag's size, so that a figure spreads as it would if records were resampled (random
groups, Wolter 2007, ch. 2). With B bags a spread errs by 1/√(2B), 1.6 %; a quantile of 2000
replicates errs by more. Records keep their bags whatever their score is, which pairs two scores.

Scores are binned by their ranks, finely at both ends: neighbouring bins are at most a 32nd of an
e-fold apart in the share of records beyond them. What a figure loses by that on the records
themselves is added to its replicates.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from lit_clid.judging.roc import Statistic, curve

MANY = 50_000
"""Records from which on replicates are drawn so."""
BAGS = 2048
"""Most of each class."""
EVENLY, PER_FOLD = 512, 32
"""Bins that are spaced evenly in rank, and those of an e-fold towards either end."""
AT_ONCE = 250
"""Replicates whose curves are held at a time."""


def replicate_many(
    statistics: Mapping[str, Statistic],
    score: np.ndarray,
    member: np.ndarray,
    replicates: int,
    seed: int = 0,
    image: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Each statistic on every replicate (R, …), as `evidence.replicate` gives it for fewer records.

    Args:
        statistics: by name.
        score: (N,), larger = more member-like.
        member: (N,) bool.
        replicates: R.
        seed: equal ones resample equal records.
        image: of each record (N,), never of both classes; None where each has its own.
    """
    place, bins = bins_of(score, member)
    bag = _deal(
        member.tobytes(), None if image is None else np.asarray(image, np.int64).tobytes(), seed
    )
    held: list[np.ndarray] = []
    for side in (member, ~member):
        cells = bag[side].astype(np.int64) * bins + place[side]
        bags = int(bag[side].max()) + 1
        held.append(np.bincount(cells, minlength=bags * bins).reshape(bags, bins).astype(float))
    atoms, kinds = np.tile(np.arange(bins), 2), np.arange(2 * bins) < bins
    whole = curve(score, member)
    in_bins = curve(atoms, kinds, np.concatenate([each.sum(axis=0) for each in held]))
    lost = {name: of(whole) - of(in_bins) for name, of in statistics.items()}
    del whole
    parts: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for weights in _weights(len(held[0]), len(held[1]), replicates, seed):
        counts = [w @ each for w, each in zip(weights, held, strict=True)]
        roc = curve(atoms, kinds, np.concatenate(counts, axis=1))
        for name, of in statistics.items():
            parts[name].append(of(roc) + lost[name])
    return {name: np.concatenate(found) for name, found in parts.items()}


def bins_of(score: np.ndarray, member: np.ndarray) -> tuple[np.ndarray, int]:
    """The bin of every record (N,), rising with its score, and how many bins there are.

    Equal scores share a bin, and the ends of either class are ends of bins: what parts the classes
    on the records parts them on bins.
    """
    ordered = np.sort(score)
    last = len(ordered) - 1
    even = np.linspace(0, last, EVENLY + 1)
    steps = np.exp(np.arange(0, np.log(max(last, 2)), 1 / PER_FOLD))
    tail = steps[steps < last]
    ranks = np.unique(np.concatenate([even, tail, last - tail]).astype(np.int64))
    ends = [side(score[kind]) for kind in (member, ~member) for side in (np.min, np.max)]
    edges = np.unique(np.concatenate([ordered[ranks], ends]))
    return np.searchsorted(edges, score).astype(np.int32), len(edges)


@lru_cache(maxsize=2)
def _deal(member: bytes, image: bytes | None, seed: int) -> np.ndarray:
    """The bag of every record (N,), counted within its class."""
    kinds = np.frombuffer(member, dtype=bool)
    heads, place = np.arange(len(kinds)), np.arange(len(kinds))
    if image is not None:
        numbers = np.frombuffer(image, dtype=np.int64)
        _, heads, place = np.unique(numbers, return_index=True, return_inverse=True)
    dice = np.random.default_rng((seed, 1))
    bag = np.empty(len(heads), np.int32)
    for side in (kinds[heads], ~kinds[heads]):
        count = int(side.sum())
        bag[side] = dice.permutation(count) % min(BAGS, count)
    found: np.ndarray = bag[place]
    found.flags.writeable = False
    return found


def _weights(
    first: int, second: int, replicates: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """How often each bag of either class is drawn, blocks of replicates (b, B)."""
    dice = np.random.default_rng(seed)
    for start in range(0, replicates, AT_ONCE):
        rows = min(AT_ONCE, replicates - start)
        drawn = [dice.multinomial(n, np.full(n, 1 / n), size=rows) for n in (first, second)]
        yield drawn[0].astype(float), drawn[1].astype(float)
