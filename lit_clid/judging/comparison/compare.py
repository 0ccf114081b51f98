"""Privacy and utility of every defense, averaged over seeds, and its paired difference to the
baseline's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lit_clid.judging import evidence
from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.evidence import Pooled

STATISTICS: dict[str, evidence.Statistic] = {
    "auroc": evidence.auroc,
    "tpr_at_1": evidence.tpr_at_fpr(0.01),
}


@dataclass(frozen=True)
class Against:
    """One attack against one defense, over seeds.

    Args:
        auroc, tpr_at_1: AUROC, and TPR at 1 % FPR (None with fewer than a hundred hold-outs).
        change: AUROC minus that without the defense, paired by seed and record; None for the
            baseline.
    """

    auroc: Pooled
    tpr_at_1: Pooled | None
    change: Pooled | None

    def as_json(self) -> dict[str, Any]:
        parts = {
            "auroc": self.auroc,
            "tpr_at_1_percent_fpr": self.tpr_at_1,
            "auroc_minus_baseline": self.change,
        }
        return {name: None if part is None else part.as_json() for name, part in parts.items()}


@dataclass(frozen=True)
class Defended:
    """What a defense came to, over its seeds.

    Args:
        seeds: that were trained and audited.
        steps: at which each run's exported weights stood.
        attacks: by name.
        loss: held-out denoising loss; `loss_change` is relative to the baseline's, paired by seed
            and record.
        gain: how much captions lower it.
        gap: held-out minus members' loss.
        frechet, clip_score: of each seed's samples.
        epsilon: (ε, δ) of private training, the largest over seeds.
    """

    seeds: tuple[int, ...]
    steps: tuple[int, ...]
    attacks: Mapping[str, Against]
    loss: Pooled
    loss_change: Pooled | None
    gain: Pooled
    gap: tuple[float, ...]
    frechet: tuple[float, ...] = ()
    frechet_floor: tuple[float, ...] = ()
    clip_score: tuple[float, ...] = ()
    epsilon: tuple[float, float] | None = None

    @property
    def strongest(self) -> str:
        """The attack that tells most: what a defense is worth is what the best attacker is left
        with.
        """
        return max(self.attacks, key=lambda name: self.attacks[name].auroc.value)

    @property
    def exposure(self) -> float:
        """AUROC of the strongest attack; below one half nobody is better off than at one half."""
        return max(0.5, self.attacks[self.strongest].auroc.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "seeds": list(self.seeds),
            "steps": list(self.steps),
            "strongest_attack": self.strongest,
            "attacks": {name: against.as_json() for name, against in self.attacks.items()},
            "heldout_loss": self.loss.as_json(),
            "heldout_loss_relative_change": None
            if self.loss_change is None
            else self.loss_change.as_json(),
            "caption_gain": self.gain.as_json(),
            "generalisation_gap": list(self.gap),
            "frechet": list(self.frechet),
            "frechet_of_members_images": list(self.frechet_floor),
            "clip_score": list(self.clip_score),
            "epsilon": None
            if self.epsilon is None
            else {"value": self.epsilon[0], "delta": self.epsilon[1]},
        }


@dataclass(frozen=True)
class Point:
    """One point of a trajectory, over the seeds that reached it."""

    steps_per_image: float
    passes: float
    seeds: int
    attacks: Mapping[str, Against]
    loss: Pooled

    def as_json(self) -> dict[str, Any]:
        return {
            "steps_per_image": self.steps_per_image,
            "passes": self.passes,
            "seeds": self.seeds,
            "attacks": {name: against.as_json() for name, against in self.attacks.items()},
            "heldout_loss": self.loss.as_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """All defenses of a grid.

    Args:
        baseline: what the others are compared with.
        headline: the attack that is strongest on the baseline, of which changes are told first.
        titles: how people call each attack.
        defenses: by name; those of which no cell is there are left out.
        trajectories: defense → its points, in rising order, at least two.
        unfinished: cells that failed or were not reached, with the reason.
    """

    baseline: str
    headline: str
    titles: Mapping[str, str]
    defenses: Mapping[str, Defended]
    trajectories: Mapping[str, tuple[Point, ...]]
    unfinished: Mapping[str, str] = field(default_factory=dict)

    @property
    def pareto(self) -> list[str]:
        """Defenses that no other beats in both the strongest attack's AUROC and the held-out
        loss.
        """
        place = {name: (d.exposure, d.loss.value) for name, d in self.defenses.items()}

        def beaten(mine: tuple[float, float]) -> bool:
            return any(o[0] <= mine[0] and o[1] <= mine[1] and o != mine for o in place.values())

        return [name for name, mine in place.items() if not beaten(mine)]

    def as_json(self) -> dict[str, Any]:
        return {
            "baseline": self.baseline,
            "headline": self.headline,
            "attacks": dict(self.titles),
            "defenses": {name: defended.as_json() for name, defended in self.defenses.items()},
            "pareto": self.pareto,
            "trajectories": {
                name: [p.as_json() for p in points] for name, points in self.trajectories.items()
            },
            "unfinished": dict(self.unfinished),
        }


def compare(
    measured: Sequence[Measured],
    baseline: str,
    titles: Mapping[str, str],
    unfinished: Mapping[str, str],
) -> Comparison | None:
    """Compare the audited models of a grid; None if there is none.

    A defense is compared with the baseline over the seeds that both have.
    """
    attacks = [name for name in titles if all(name in m.scores for m in measured)]
    graded = [_Graded(m, {attack: _statistics(m, attack) for attack in attacks}) for m in measured]
    ends: dict[str, list[_Graded]] = {}
    for each in graded:
        if each.model.final:
            ends.setdefault(each.model.defense, []).append(each)
    if not ends:
        return None
    base = {each.model.seed: each for each in ends.get(baseline, [])}
    defenses = {
        name: _defended(runs, base if name != baseline else {}) for name, runs in ends.items()
    }
    strongest = defenses.get(baseline, next(iter(defenses.values())))
    headline = max(attacks, key=lambda attack: strongest.attacks[attack].auroc.value)
    followed = {
        each.model.defense for each in graded if not each.model.final
    }  # ends alone are no way
    paths = {
        name: _trajectory([each for each in graded if each.model.defense == name]) for name in ends
    }
    kept = {name: points for name, points in paths.items() if name in followed and len(points) > 1}
    return Comparison(
        baseline, headline, {a: titles[a] for a in attacks}, defenses, kept, unfinished
    )


@dataclass(frozen=True)
class _Graded:
    """A model with each attack's statistics and their bootstrap replicates (R,), computed once."""

    model: Measured
    attacks: Mapping[str, Mapping[str, tuple[float, np.ndarray]]]

    def pairs_with(self, other: "_Graded") -> bool:
        """True if both were asked about the same members and hold-outs, so that their figures
        can be paired.
        """
        mine, theirs = self.model, other.model
        return mine.ids == theirs.ids and bool((mine.member == theirs.member).all())


def _statistics(model: Measured, attack: str) -> dict[str, tuple[float, np.ndarray]]:
    """Equal seeds of cells resample equal records, which pairs two defenses."""
    score = model.scores[attack]
    roc = evidence.curve(score, model.member)
    replicates = evidence.replicate(STATISTICS, score, model.member, model.seed)
    return {
        name: (float(statistic(roc)), replicates[name]) for name, statistic in STATISTICS.items()
    }


def _defended(runs: Sequence[_Graded], base: Mapping[int, _Graded]) -> Defended:
    paired = [
        (m, base[m.model.seed])
        for m in runs
        if m.model.seed in base and m.pairs_with(base[m.model.seed])
    ]
    models = [each.model for each in runs]
    useful = [m.usefulness for m in models]
    spent = [m.epsilon for m in models if m.epsilon is not None]
    losses = [(m.model.usefulness.loss, b.model.usefulness.loss) for m, b in paired]
    return Defended(
        tuple(m.seed for m in models),
        tuple(m.step for m in models),
        {attack: _against(runs, paired, attack) for attack in runs[0].attacks},
        _mean([u.loss for u in useful]),
        _relative_change(losses) if losses else None,
        _mean([u.gain for u in useful]),
        tuple(float(u.loss.mean()) - u.members_loss for u in useful),
        tuple(u.frechet for u in useful if u.frechet is not None),
        tuple(u.frechet_floor for u in useful if u.frechet_floor is not None),
        tuple(u.clip_score for u in useful if u.clip_score is not None),
        max(spent, default=None),
    )


def _against(
    runs: Sequence[_Graded], paired: Sequence[tuple[_Graded, _Graded]], attack: str
) -> Against:
    found = [each.attacks[attack] for each in runs]
    holdouts = min(int((~each.model.member).sum()) for each in runs)
    fewest = min(holdouts, *(int(each.model.member.sum()) for each in runs))
    pooled = {
        name: evidence.pool([f[name][0] for f in found], [f[name][1] for f in found], fewest)
        for name in STATISTICS
    }
    change = None
    if paired:
        pairs = [(m.attacks[attack]["auroc"], b.attacks[attack]["auroc"]) for m, b in paired]
        change = evidence.pool([a[0] - b[0] for a, b in pairs], [a[1] - b[1] for a, b in pairs])
    return Against(pooled["auroc"], pooled["tpr_at_1"] if holdouts >= 100 else None, change)


def _mean(values: Sequence[np.ndarray]) -> Pooled:
    return evidence.pool(
        [float(v.mean()) for v in values],
        [evidence.replicate_means(v, k) for k, v in enumerate(values)],
    )


def _relative_change(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Pooled:
    """Mean of the first over mean of the second, minus one."""
    replicates = [
        evidence.replicate_means(a, k) / evidence.replicate_means(b, k)
        for k, (a, b) in enumerate(pairs)
    ]
    return evidence.pool(
        [float(a.mean() / b.mean() - 1) for a, b in pairs], [each - 1 for each in replicates]
    )


def _trajectory(runs: Sequence[_Graded]) -> tuple[Point, ...]:
    """The points of one defense; runs that ended early contribute to the points they reached."""
    places: dict[int, list[_Graded]] = {}
    for each in sorted(runs, key=lambda each: (each.model.step, each.model.final)):
        here = places.setdefault(each.model.step, [])
        if all(other.model.seed != each.model.seed for other in here):
            here.append(each)
    return tuple(
        Point(
            here[0].model.steps_per_image,
            here[0].model.passes,
            len(here),
            {attack: _against(here, [], attack) for attack in here[0].attacks},
            _mean([each.model.usefulness.loss for each in here]),
        )
        for here in places.values()
    )
