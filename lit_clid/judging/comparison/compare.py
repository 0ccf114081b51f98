"""Compare the audited models of a grid.

Every figure is taken on each model and on each of its bootstrap replicates. Cells of equal seed
hold equal records and resample equal ones, so that the difference of two defenses is taken
replicate by replicate; then runs are pooled over seeds.
"""

from collections.abc import Mapping, Sequence

from lit_clid.errors import UserError, few
from lit_clid.judging.comparison.compared import Against, Comparison, Defended, Point
from lit_clid.judging.comparison.drawn import (
    Asked,
    Drawn,
    draw,
    draw_change,
    draw_mean,
    pool_drawn,
)
from lit_clid.judging.comparison.measured import Measured
from lit_clid.judging.comparison.strongest import (
    front_shares,
    headline_of,
    mean_replicates,
    strongest,
)
from lit_clid.judging.evidence import Unresolved
from lit_clid.judging.rates import can_show

RESAMPLED = 2
"""Hold-outs that a cap must allow for a rate whose interval is a bootstrap's: it covers 90 % of the
time with two, and 81 % with one.
"""
BASELINE = Unresolved("the baseline itself", shown="–")
UNPAIRED = Unresolved("no run of the baseline has equal records", shown="–")
CHECKPOINT = Unresolved("checkpoints are not compared with the baseline", shown="–")
"""Why a figure has no change."""


def compare(
    measured: Sequence[Measured],
    baseline: str,
    titles: Mapping[str, str],
    unfinished: Mapping[str, str],
    headline: str | None = None,
) -> Comparison | None:
    """Compare the audited models of a grid; None if none of them is the end of its run.

    A defense is compared with the baseline over the seeds that both have.

    Args:
        measured: the models, ends and checkpoints.
        baseline: the defense that the others are compared with.
        titles: how people call each attack; those that some model lacks are left out.
        unfinished: cells that are missing, with the reason.
        headline: the attack whose changes are told first, named beforehand; None takes the
            strongest on the baseline.

    Raises:
        UserError: if `headline` is none of the attacks that every model was asked.
    """
    attacks = [name for name in titles if _asked_all(measured, name)]
    asked = [draw(model, attacks) for model in measured]
    ends: dict[str, list[Asked]] = {}
    for each in asked:
        if each.model.final:
            ends.setdefault(each.model.defense, []).append(each)
    if not ends:
        return None
    base = {each.model.seed: each for each in ends.get(baseline, [])}
    defenses: dict[str, Defended] = {}
    for name, runs in ends.items():
        itself = name == baseline
        defenses[name] = _defended(runs, {}, BASELINE) if itself else _defended(runs, base)
    speaks, chosen = headline or "", "named"
    if headline is None:
        speaks, chosen = headline_of(ends.get(baseline, next(iter(ends.values()))))
    elif headline not in attacks:
        raise UserError(f"headline: {headline!r} is none of the attacks compared: {few(attacks)}")
    losses = {name: mean_replicates(_losses(runs)) for name, runs in ends.items()}
    exposures = {name: defended.strongest.exposure for name, defended in defenses.items()}
    return Comparison(
        baseline,
        speaks,
        chosen,
        {name: titles[name] for name in attacks},
        defenses,
        front_shares(exposures, losses),
        _trajectories(asked, ends),
        unfinished,
    )


def _asked_all(measured: Sequence[Measured], attack: str) -> bool:
    return all(attack in model.scores for model in measured)


def _defended(
    runs: Sequence[Asked], base: Mapping[int, Asked], alone: Unresolved = UNPAIRED
) -> Defended:
    """A defense over its runs.

    Args:
        runs: the ends of its runs.
        base: the baseline's by seed; none for the baseline itself.
        alone: the change where nothing can be paired.
    """
    beside = [(run, base.get(run.model.seed)) for run in runs]
    paired = [(run, other) for run, other in beside if other and run.pairs_with(other)]
    changes = [
        draw_change(run.model.usefulness.loss, other.model.usefulness.loss, run.model.seed)
        for run, other in paired
    ]
    attacks = {attack: _against(runs, attack, paired, alone) for attack in runs[0].attacks}
    models = [run.model for run in runs]
    seeds = tuple(model.seed for model in models)
    steps = tuple(model.step for model in models)
    spent = [model.epsilon for model in models if model.epsilon is not None]
    useful = [model.usefulness for model in models]
    gains = [draw_mean(model.usefulness.gain, model.seed) for model in models]
    gap = tuple(float(each.loss.mean()) - each.members_loss for each in useful)
    frechet = [each.frechet for each in useful]
    floor = [each.frechet_floor for each in useful]
    clip_score = [each.clip_score for each in useful]
    return Defended(
        seeds=seeds,
        steps=steps,
        attacks=attacks,
        strongest=strongest(runs, _fewest(runs)),
        loss=pool_drawn(_losses(runs)),
        loss_change=pool_drawn(changes) if changes else alone,
        gain=pool_drawn(gains),
        gap=gap,
        frechet=_present(frechet),
        frechet_floor=_present(floor),
        clip_score=_present(clip_score),
        epsilon=max(spent, default=None),
    )


def _losses(runs: Sequence[Asked]) -> list[Drawn]:
    """Each run's held-out loss."""
    return [draw_mean(run.model.usefulness.loss, run.model.seed) for run in runs]


def _fewest(runs: Sequence[Asked]) -> int:
    """Records of the smaller class of the smallest run."""
    return min(min(run.holdouts, run.members) for run in runs)


def _present(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(value for value in values if value is not None)


def _against(
    runs: Sequence[Asked], attack: str, paired: Sequence[tuple[Asked, Asked]], alone: Unresolved
) -> Against:
    """One attack against one defense; `paired` holds its runs with the baseline's.

    `alone` is the change where there are none.
    """
    holdouts = min(run.holdouts for run in runs)
    fewest = _fewest(runs)
    aurocs = [run.attacks[attack]["auroc"] for run in runs]
    rates = [run.attacks[attack]["tpr_at_1"] for run in runs]
    too_few = Unresolved(f"{holdouts} hold-outs cannot show a rate of 0.01")
    changes: list[Drawn] = []
    for run, other in paired:
        ours, theirs = run.attacks[attack], other.attacks[attack]
        changes.append(ours["auroc"].minus(theirs["auroc"]))
    return Against(
        auroc=pool_drawn(aurocs, fewest),
        tpr_at_1=pool_drawn(rates, fewest) if can_show(holdouts, 0.01, RESAMPLED) else too_few,
        change=pool_drawn(changes) if changes else alone,
    )


def _trajectories(
    asked: Sequence[Asked], ends: Mapping[str, Sequence[Asked]]
) -> dict[str, tuple[Point, ...]]:
    """The trajectories of the defenses that ended, where checkpoints lead to the end."""
    found: dict[str, tuple[Point, ...]] = {}
    for name in ends:
        runs = [each for each in asked if each.model.defense == name]
        points = _trajectory(runs)
        followed = any(not each.model.final for each in runs)  # ends alone are no way
        if followed and len(points) > 1:
            found[name] = points
    return found


def _trajectory(runs: Sequence[Asked]) -> tuple[Point, ...]:
    """The points of one defense; runs that ended early contribute to the points they reached."""
    places: dict[int, list[Asked]] = {}
    for each in sorted(runs, key=lambda each: (each.model.step, each.model.final)):
        here = places.setdefault(each.model.step, [])
        if all(other.model.seed != each.model.seed for other in here):
            here.append(each)
    return tuple(_point(here) for here in places.values())


def _point(runs: Sequence[Asked]) -> Point:
    first = runs[0].model
    attacks = {attack: _against(runs, attack, [], CHECKPOINT) for attack in runs[0].attacks}
    return Point(
        steps_per_image=first.steps_per_image,
        passes=first.passes,
        seeds=len(runs),
        attacks=attacks,
        loss=pool_drawn(_losses(runs)),
    )
