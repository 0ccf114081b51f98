"""Near duplicates: records whose images look alike, by a perceptual hash of 64 bits.

A hold-out that looks like a member is a member in all but name. Records of one kind that look alike
are not independent: the figures are taken again with such records resampled together, and the set
is tested again with one of them alone.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from lit_clid.judging.controls.control import NOTICE, QUIET, Control
from lit_clid.judging.evidence import REPLICATES, Estimate, percentile_interval
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.suspects.together import set_test
from lit_clid.scores import FEWEST

BITS = 4
"""Most bits in which the hashes of images that look alike differ."""
HASH = tuple(f"look_{k}" for k in range(4))
"""Features that hold 16 bits of the hash each."""


def near_duplicates(
    score: np.ndarray,
    member: np.ndarray,
    hashes: np.ndarray,
    ids: Sequence[str],
    kind: str,
) -> list[Control]:
    """Records that look alike, within and across the kinds, and the figures that allow for them.

    Args:
        score: of the headline attack (N,), larger = more member-like.
        member: (N,) bool; the suspects of a claim.
        hashes: (N,) uint64.
        ids: of the records.
        kind: what those of `member` are called.
    """
    cluster = clusters(hashes)
    _, place, counts = np.unique(cluster, return_inverse=True, return_counts=True)
    twin = counts[place] > 1
    if not twin.any():
        said = f"No two of {len(score)} images look alike (perceptual hash)."
        return [Control("near_duplicates", "Near duplicates", QUIET, said, kind, {"records": 0})]
    mixed = sorted(set(cluster[twin & member]) & set(cluster[twin & ~member]))
    interval = clustered_auroc(score, member, cluster)
    figures = {
        "records": int(twin.sum()),
        "clusters": int((counts > 1).sum()),
        "clusters_of_both_kinds": len(mixed),
        "auroc_clustered": interval.as_json(),
        "example": [ids[place] for place in _example(mixed, cluster, member)],
    }
    said = (
        f"{int(twin.sum())} of {len(score)} images look like another one (perceptual hash; "
        f"{int((counts > 1).sum())} clusters, {_mixed(mixed, kind)}). With "
        f"clusters resampled whole, the AUROC is {interval.value:.3f} [{interval.low:.3f}, "
        f"{interval.high:.3f}]"
    )
    if kind == "suspects":
        p = _one_of_each(score, member, cluster)
        figures["p_with_one_of_each"] = p
        said += f"; with one record of each, the set has p = {p:.2g} by ranks"
    return [Control("near_duplicates", "Near duplicates", NOTICE, f"{said}.", kind, figures)]


def _mixed(mixed: Sequence[int], kind: str) -> str:
    """How many clusters hold both kinds."""
    if not mixed:
        return f"none of both {kind} and hold-outs"
    return f"{len(mixed)} of both {kind} and hold-outs"


def _example(mixed: Sequence[int], cluster: np.ndarray, member: np.ndarray) -> list[int]:
    """Places of a member and a hold-out of one cluster; none without one."""
    sides = (member, ~member)
    return [int(np.flatnonzero((cluster == mixed[0]) & side)[0]) for side in sides] if mixed else []


def _one_of_each(score: np.ndarray, member: np.ndarray, cluster: np.ndarray) -> float:
    """p of the set with the first record of every cluster alone."""
    alone = np.zeros(len(score), bool)
    alone[np.unique(cluster, return_index=True)[1]] = True
    if min((alone & member).sum(), (alone & ~member).sum()) < FEWEST:
        return 1.0
    return set_test(score[alone & member], score[alone & ~member]).p


def hashes_of(features: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Hashes (N,) uint64 from the features that hold their parts; None without them."""
    if not all(name in features for name in HASH):
        return None
    found = np.zeros(len(features[HASH[0]]), np.uint64)
    for name in HASH:
        found = (found << np.uint64(16)) | features[name].astype(np.uint64)
    return found


def alike(hashes: np.ndarray, bits: int = BITS) -> np.ndarray:
    """Pairs (P, 2) of places whose hashes (N,) differ in at most so many bits, lower place first.

    Of bits + 1 bands of a hash, one at least is the same in both: only those are compared.
    """
    found: set[tuple[int, int]] = set()
    edges = np.linspace(0, 64, bits + 2).astype(int)
    for low, high in pairwise(edges.tolist()):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order])) + 1
        for places in np.split(order, starts):
            found |= _close(np.sort(places), hashes, bits)
    return np.array(sorted(found), dtype=int).reshape(-1, 2)


def _close(places: np.ndarray, hashes: np.ndarray, bits: int) -> set[tuple[int, int]]:
    """The pairs among these places that are close."""
    if len(places) < 2:
        return set()
    found: set[tuple[int, int]] = set()
    for k, place in enumerate(places[:-1]):
        differing = hashes[places[k + 1 :]] ^ hashes[place]
        near = places[k + 1 :][_ones(differing) <= bits]
        found |= {(int(place), int(other)) for other in near}
    return found


def _ones(words: np.ndarray) -> np.ndarray:
    """How many bits of each word (N,) uint64 are set."""
    return np.unpackbits(words[:, None].view(np.uint8), axis=1).sum(axis=1)


def clusters(hashes: np.ndarray) -> np.ndarray:
    """The cluster of every record (N,), of those that are alike directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    distinct, place = np.unique(hashes, return_inverse=True)
    pairs = alike(distinct)
    size = (len(distinct), len(distinct))
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=size)
    found: np.ndarray = connected_components(joined, directed=False)[1][place]
    return found


def clustered_auroc(score: np.ndarray, member: np.ndarray, cluster: np.ndarray) -> Estimate:
    """The AUROC with an interval whose replicates draw whole clusters (Field and Welsh 2007)."""
    names, place = np.unique(cluster, return_inverse=True)
    dice = np.random.default_rng(0)
    value = float(auroc(curve(score, member)))
    drawn: list[float] = []
    for _ in range(REPLICATES):
        counts = np.bincount(dice.integers(len(names), size=len(names)), minlength=len(names))
        weights = counts[place].astype(float)
        if weights[member].sum() and weights[~member].sum():
            drawn.append(float(auroc(curve(score, member, weights))))
    return percentile_interval(value, np.array(drawn), int(min(member.sum(), (~member).sum())))
