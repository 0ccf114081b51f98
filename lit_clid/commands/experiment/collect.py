"""From the tables of finished cells to what the comparison takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lit_clid.auditing.losses import UTILITY
from lit_clid.auditing.utility.samples import SHEET, SampleReport, read_report
from lit_clid.commands.experiment.cell import Stage, is_done, stages
from lit_clid.commands.experiment.plan import Job
from lit_clid.errors import UserError, few
from lit_clid.judging.calibration import Verdict
from lit_clid.judging.comparison import Measured, Usefulness
from lit_clid.judging.quarantine import aligned
from lit_clid.judging.roc import auroc, curve
from lit_clid.judging.tables import load_tables
from lit_clid.judging.verdicts import verdicts
from lit_clid.scores import Scores


@dataclass
class Collected:
    """What there is to compare.

    Args:
        measured: the models.
        titles: how people call each attack.
        unfinished: cells that are not finished, and why.
    """

    measured: list[Measured] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)


def collect(jobs: Sequence[Job], failed: dict[str, str]) -> Collected:
    """Read every finished stage of every cell."""
    found = Collected(unfinished=dict(failed))
    for job in jobs:
        name = job.cell.name
        try:
            done = [stage for stage in stages(job) if is_done(stage, job)]
            read = [_read(stage, job, found.titles) for stage in done]
        except UserError as error:
            found.unfinished.setdefault(name, str(error))
            continue
        if not any(stage.final for stage in done):
            found.unfinished.setdefault(name, "not audited yet")
            continue
        found.measured += read
    return found


def _read(stage: Stage, job: Job, titles: dict[str, str]) -> Measured:
    target, others = load_tables(str(stage.scores / "target.parquet"), None)
    wanted = ("shadow", "reference", "reference_shadow")  # no controls of an audit of it alone
    found = aligned(target, *map(others.get, wanted))
    tables, shadow = found.target, found.shadow
    judged: dict[str, Verdict] = {}
    every = verdicts(tables, shadow, found.reference, found.reference_shadow)
    for name, (title, verdict) in every.items():
        titles[name], judged[name] = title, verdict
    note = tables.about.training
    assert note is not None  # its facts were compared with the cell's
    members, step, privacy = int(tables.member.sum()), note.steps, note.privacy
    return Measured(
        defense=job.cell.defense,
        seed=job.cell.seed,
        step=step,
        steps_per_image=step / members,
        passes=step * note.facts.images_per_step / members,
        final=stage.final,
        ids=tables.ids,
        member=tables.member,
        shadow=_on_shadow(judged, shadow),
        scores={name: verdict.score for name, verdict in judged.items()},
        usefulness=_usefulness(stage),
        epsilon=None if privacy is None else (privacy.epsilon, privacy.delta),
    )


def _on_shadow(judged: Mapping[str, Verdict], shadow: Scores | None) -> dict[str, float]:
    """AUROC of each attack on the shadow's own records."""
    found: dict[str, float] = {}
    for name, verdict in judged.items():
        if shadow is not None and verdict.shadow_score is not None:
            found[name] = float(auroc(curve(verdict.shadow_score, shadow.member)))
    return found


def _usefulness(stage: Stage) -> Usefulness:
    table = Scores.load(stage.scores / f"{UTILITY}.parquet")
    if table.about.quarantined:
        raise UserError(
            f"{table.where}: there is no finite loss of {few(list(table.about.quarantined), 3)}, "
            "so that its usefulness is not comparable; look at these records"
        )
    loss = -table.signals[f"{UTILITY}_conditional"]
    unconditional = -table.signals[f"{UTILITY}_unconditional"]
    held_out = ~table.member
    samples = read_report(stage.scores) if stage.final else SampleReport()
    return Usefulness(
        loss=loss[held_out],
        gain=(unconditional - loss)[held_out],
        members_loss=float(loss[table.member].mean()),
        frechet=samples.frechet,
        frechet_floor=samples.frechet_of_members_images,
        clip_score=samples.clip_score,
        sheet=stage.scores / SHEET if stage.final else None,
    )
