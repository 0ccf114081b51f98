"""The strongest attack on a defense, and the Pareto front: choices, and what they owe to chance.

An attack that is chosen on the records it is then graded on looks stronger than it is. It is
chosen on each run's shadow where all have one, else on the runs of the other seeds, if these deal
members and hold-outs anew; a single run, or runs whose membership is fixed, leave nothing but their
own records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.comparison.drawn import Asked, Drawn, pool_drawn
from lit_clid.judging.pooled import Pooled

SHADOW, OTHERS, ITSELF = "the shadow", "the other seeds", "these very records"
"""Where the strongest attack was chosen."""
FEWEST, ALIKE = 10, 0.8
"""Common records from which on, and the share of equal labels above which, they were not dealt
anew."""
Place = tuple[float, float]
"""(AUROC of the strongest attack, held-out loss): less is better in both."""


@dataclass(frozen=True)
class Strongest:
    """What the strongest attack is left with.

    Args:
        attacks: chosen for each run, S of them.
        chosen_on: `SHADOW`, `OTHERS` or `ITSELF`.
        auroc: of those attacks, in [0, 1].
        exposure: the same on bootstrap replicates (R,), at least one half.
    """

    attacks: tuple[str, ...]
    chosen_on: str
    auroc: Pooled
    exposure: np.ndarray

    @property
    def name(self) -> str:
        """The attack, or the several of different runs."""
        return " / ".join(dict.fromkeys(self.attacks))


def strongest(runs: Sequence[Asked], smaller: int) -> Strongest:
    """Choose the strongest attack on each run of a defense, and pool what it finds.

    Args:
        runs: S of them.
        smaller: records of the smaller class of the smallest run.
    """
    chosen, where = _choose(runs)
    drawn = [run.attacks[attack]["auroc"] for run, attack in zip(runs, chosen, strict=True)]
    exposure = np.maximum(0.5, mean_replicates(drawn))
    return Strongest(tuple(chosen), where, pool_drawn(drawn, smaller), exposure)


def _choose(runs: Sequence[Asked]) -> tuple[list[str], str]:
    names = list(runs[0].attacks)
    if all(set(names) <= set(run.model.shadow) for run in runs):
        found = _aurocs(runs, on_shadow=True)
        return [names[best] for best in found.argmax(axis=1)], SHADOW
    found = _aurocs(runs)
    if len(runs) == 1 or _labelled_alike(runs):
        return [names[best] for best in found.argmax(axis=1)], ITSELF
    others = found.sum(axis=0) - found
    return [names[best] for best in others.argmax(axis=1)], OTHERS


def _labelled_alike(runs: Sequence[Asked]) -> bool:
    """Whether records that two runs have in common are nearly all members in both, or in none."""
    for k, run in enumerate(runs):
        told = dict(zip(run.model.ids, run.model.member.tolist(), strict=True))
        for other in runs[k + 1 :]:
            pairs = zip(other.model.ids, other.model.member.tolist(), strict=True)
            same = [told[name] == kind for name, kind in pairs if name in told]
            if len(same) >= FEWEST and np.mean(same) > ALIKE:
                return True
    return False


def headline_of(runs: Sequence[Asked]) -> tuple[str, str]:
    """The one attack that is strongest over the runs, and where it was chosen: on their shadows or
    on these very records.
    """
    names = list(runs[0].attacks)
    on_shadow = all(set(names) <= set(run.model.shadow) for run in runs)
    found = _aurocs(runs, on_shadow=on_shadow).mean(axis=0)
    return names[int(found.argmax())], SHADOW if on_shadow else ITSELF


def _aurocs(runs: Sequence[Asked], *, on_shadow: bool = False) -> np.ndarray:
    """Of each run and attack (S, A)."""
    found: list[list[float]] = []
    for run in runs:
        own = {name: figures["auroc"].value for name, figures in run.attacks.items()}
        asked = run.model.shadow if on_shadow else own
        found.append([asked[name] for name in run.attacks])
    return np.array(found)


def front(places: Mapping[str, Place]) -> list[str]:
    """The names that no other beats in one figure without losing in the other."""

    def beaten(mine: Place) -> bool:
        return any(o[0] <= mine[0] and o[1] <= mine[1] and o != mine for o in places.values())

    return [name for name, mine in places.items() if not beaten(mine)]


def front_shares(
    exposure: Mapping[str, np.ndarray], loss: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """In which share of the bootstrap replicates each name is on the front, in [0, 1].

    Args:
        exposure, loss: of each name (R,); replicate r resamples the same records for every name of
            equal seeds, but the hold-outs of exposure and loss independently of each other.
    """
    names = list(exposure)
    x = np.stack([exposure[name] for name in names])
    y = np.stack([loss[name] for name in names])
    shares: dict[str, float] = {}
    for k, name in enumerate(names):
        no_worse = (x <= x[k]) & (y <= y[k])
        better = (x < x[k]) | (y < y[k])
        shares[name] = float(1 - (no_worse & better).any(axis=0).mean())
    return shares


def mean_replicates(drawn: Sequence[Drawn]) -> np.ndarray:
    """The replicates (R,) of the mean over runs."""
    mean: np.ndarray = np.mean([each.replicates for each in drawn], axis=0)
    return mean
