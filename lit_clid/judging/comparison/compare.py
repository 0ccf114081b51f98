"""Compare the audited models of a grid.

Every figure is taken on each model and on each of its bootstrap replicates. Cells of equal seed
hold equal records and resample equal ones, so that the difference of two defenses is taken
replicate by replicate; then runs are pooled over seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_clid.judging.comparison.compared import Against, Comparison, Defended, Point
from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.evidence import replicate, replicate_means
from lit_clid.judging.pooled import Pooled, pool
from lit_clid.judging.roc import Statistic, auroc, curve, tpr_at_fpr

STATISTICS: dict[str, Statistic] = {"auroc": auroc, "tpr_at_1": tpr_at_fpr(0.01)}
ENOUGH = 100
"""Hold-outs from which on an FPR of 1 % can be shown."""


@dataclass(frozen=True)
class _Drawn:
    """A figure on a model's records, and on their bootstrap replicates (R,)."""

    value: float
    replicates: np.ndarray

    def minus(self, other: "_Drawn") -> "_Drawn":
        return _Drawn(self.value - other.value, self.replicates - other.replicates)


@dataclass(frozen=True)
class _Graded:
    """A model with the statistics of each attack, computed once."""

    model: Measured
    attacks: Mapping[str, Mapping[str, _Drawn]]

    def pairs_with(self, other: "_Graded") -> bool:
        """True if both were asked about the same records, so that their figures can be paired."""
        mine, theirs = self.model, other.model
        return mine.ids == theirs.ids and bool((mine.member == theirs.member).all())


def compare(
    measured: Sequence[Measured],
    baseline: str,
    titles: Mapping[str, str],
    unfinished: Mapping[str, str],
) -> Comparison | None:
    """Compare the audited models of a grid; None if none of them is the end of its run.

    A defense is compared with the baseline over the seeds that both have.

    Args:
        measured: the models, ends and checkpoints.
        baseline: the defense that the others are compared with.
        titles: how people call each attack; those that some model lacks are left out.
        unfinished: cells that are missing, with the reason.
    """
    attacks = [name for name in titles if _asked_all(measured, name)]
    graded = [_grade(model, attacks) for model in measured]
    ends: dict[str, list[_Graded]] = {}
    for each in graded:
        if each.model.final:
            ends.setdefault(each.model.defense, []).append(each)
    if not ends:
        return None
    base = {each.model.seed: each for each in ends.get(baseline, [])}
    defenses: dict[str, Defended] = {}
    for name, runs in ends.items():
        defenses[name] = _defended(runs, base if name != baseline else {})
    strongest = defenses.get(baseline, next(iter(defenses.values())))
    headline = max(attacks, key=lambda attack: strongest.attacks[attack].auroc.value)
    kept = {name: titles[name] for name in attacks}
    return Comparison(baseline, headline, kept, defenses, _trajectories(graded, ends), unfinished)


def _asked_all(measured: Sequence[Measured], attack: str) -> bool:
    return all(attack in model.scores for model in measured)


def _grade(model: Measured, attacks: Sequence[str]) -> _Graded:
    return _Graded(model, {attack: _statistics(model, attack) for attack in attacks})


def _statistics(model: Measured, attack: str) -> dict[str, _Drawn]:
    """Equal seeds of cells resample equal records, which pairs two defenses."""
    score = model.scores[attack]
    roc = curve(score, model.member)
    drawn = replicate(STATISTICS, score, model.member, model.seed)
    return {name: _Drawn(float(of(roc)), drawn[name]) for name, of in STATISTICS.items()}


def _pool(drawn: Sequence[_Drawn], smaller: int | None = None) -> Pooled:
    values = [each.value for each in drawn]
    replicates = [each.replicates for each in drawn]
    return pool(values, replicates, smaller)


def _defended(runs: Sequence[_Graded], base: Mapping[int, _Graded]) -> Defended:
    """A defense over its runs.

    Args:
        runs: the ends of its runs.
        base: the baseline's by seed; none for the baseline itself.
    """
    beside = [(run, base.get(run.model.seed)) for run in runs]
    paired = [(run, other) for run, other in beside if other and run.pairs_with(other)]
    losses = [(run.model.usefulness.loss, other.model.usefulness.loss) for run, other in paired]
    attacks = {attack: _against(runs, paired, attack) for attack in runs[0].attacks}
    models = [run.model for run in runs]
    seeds = tuple(model.seed for model in models)
    steps = tuple(model.step for model in models)
    spent = [model.epsilon for model in models if model.epsilon is not None]
    useful = [model.usefulness for model in models]
    held_out = [each.loss for each in useful]
    gains = [each.gain for each in useful]
    gap = tuple(float(each.loss.mean()) - each.members_loss for each in useful)
    frechet = [each.frechet for each in useful]
    floor = [each.frechet_floor for each in useful]
    clip_score = [each.clip_score for each in useful]
    return Defended(
        seeds=seeds,
        steps=steps,
        attacks=attacks,
        loss=_mean(held_out),
        loss_change=_relative_change(losses) if losses else None,
        gain=_mean(gains),
        gap=gap,
        frechet=_present(frechet),
        frechet_floor=_present(floor),
        clip_score=_present(clip_score),
        epsilon=max(spent, default=None),
    )


def _present(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(value for value in values if value is not None)


def _against(
    runs: Sequence[_Graded], paired: Sequence[tuple[_Graded, _Graded]], attack: str
) -> Against:
    """One attack against one defense; `paired` holds its runs with the baseline's."""
    holdouts = min(int((~run.model.member).sum()) for run in runs)
    fewest = min(holdouts, *(int(run.model.member.sum()) for run in runs))
    rate = _pool([run.attacks[attack]["tpr_at_1"] for run in runs], fewest)
    aurocs = [run.attacks[attack]["auroc"] for run in runs]
    changes: list[_Drawn] = []
    for run, other in paired:
        ours, theirs = run.attacks[attack], other.attacks[attack]
        changes.append(ours["auroc"].minus(theirs["auroc"]))
    return Against(
        auroc=_pool(aurocs, fewest),
        tpr_at_1=rate if holdouts >= ENOUGH else None,
        change=_pool(changes) if changes else None,
    )


def _mean(values: Sequence[np.ndarray]) -> Pooled:
    """The mean of each run's values (H,), pooled."""
    drawn = [_Drawn(float(v.mean()), replicate_means(v, k)) for k, v in enumerate(values)]
    return _pool(drawn)


def _relative_change(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Pooled:
    """Mean of the first over mean of the second, minus one, of each pair of (H,), pooled."""
    drawn: list[_Drawn] = []
    for k, (ours, theirs) in enumerate(pairs):
        ratio = replicate_means(ours, k) / replicate_means(theirs, k)
        drawn.append(_Drawn(float(ours.mean() / theirs.mean() - 1), ratio - 1))
    return _pool(drawn)


def _trajectories(
    graded: Sequence[_Graded], ends: Mapping[str, Sequence[_Graded]]
) -> dict[str, tuple[Point, ...]]:
    """The trajectories of the defenses that ended, where checkpoints lead to the end."""
    found: dict[str, tuple[Point, ...]] = {}
    for name in ends:
        runs = [each for each in graded if each.model.defense == name]
        points = _trajectory(runs)
        followed = any(not each.model.final for each in runs)  # ends alone are no way
        if followed and len(points) > 1:
            found[name] = points
    return found


def _trajectory(runs: Sequence[_Graded]) -> tuple[Point, ...]:
    """The points of one defense; runs that ended early contribute to the points they reached."""
    places: dict[int, list[_Graded]] = {}
    for each in sorted(runs, key=lambda each: (each.model.step, each.model.final)):
        here = places.setdefault(each.model.step, [])
        if all(other.model.seed != each.model.seed for other in here):
            here.append(each)
    return tuple(_point(here) for here in places.values())


def _point(runs: Sequence[_Graded]) -> Point:
    first = runs[0].model
    attacks = {attack: _against(runs, [], attack) for attack in runs[0].attacks}
    losses = [run.model.usefulness.loss for run in runs]
    return Point(
        steps_per_image=first.steps_per_image,
        passes=first.passes,
        seeds=len(runs),
        attacks=attacks,
        loss=_mean(losses),
    )
