"""Train and audit the missing cells of a grid of defenses, then compare all that are there."""

from collections.abc import Sequence

import torch

from lit_clid import console
from lit_clid.commands.apart import refuse_parts
from lit_clid.commands.experiment.cell import carry_out
from lit_clid.commands.experiment.collect import collect
from lit_clid.commands.experiment.plan import Job, check_jobs, read_jobs
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.trying import refuse_check
from lit_clid.config.reading import DEMO
from lit_clid.errors import UserError, WriteError, few, first_line
from lit_clid.judging.comparison import compare, findings, terminal, write_comparison
from lit_clid.provenance import provenance


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    refuse_parts(config, "an experiment, but for those of grid.part,")
    refuse_check(config, "an experiment")
    dry = config.grid.dry_run or config.dry_run
    jobs = check_jobs(read_jobs(arguments, config, DEMO), dry=dry)
    if dry:
        console.say(plan_in_words(jobs, config))
        return
    part = config.grid.part
    with held(config.folder, "" if part == "1/1" else part):
        _carry_out(jobs, config)


def _carry_out(jobs: Sequence[Job], config: Settings) -> None:
    mine = {cell.name for cell in config.grid.own_cells}
    failed: dict[str, str] = {}
    for k, job in enumerate(jobs):
        if job.cell.name in mine:
            console.say(f"\n[{k + 1}/{len(jobs)}] {job.cell.defense}, seed {job.cell.seed}")
            reason = attempt(job)
            if reason:
                failed[job.cell.name] = reason
                console.say(f"failed: {reason}")
    if console.is_first_process():
        compare_finished(jobs, failed, config)
    if failed:
        raise UserError(
            f"{len(failed)} of {len(mine)} cells failed ({few(list(failed))}); run it again to "
            "retry"
        )


def attempt(job: Job) -> str:
    """Carry out a cell; returns why it failed, or nothing.

    One of several processes raises: the others may not have met the fault, and would wait for it.
    """
    try:
        carry_out(job)
    except WriteError:  # the next cell would fail as this one did
        raise
    except Exception as error:  # a failure of one cell must not cost the others
        if torch.distributed.is_initialized():
            raise
        if isinstance(error, UserError):
            return str(error)
        return f"{type(error).__name__}: {first_line(error)}"
    return ""


def compare_finished(jobs: Sequence[Job], failed: dict[str, str], config: Settings) -> None:
    """Compare what is there, write it down and print the summary."""
    found = collect(jobs, failed)
    comparison = compare(
        found.measured, config.grid.baseline, found.titles, found.unfinished, config.headline
    )
    if comparison is None:
        return
    plain = config.plain
    about = {
        "grid": plain["grid"],
        "utility": plain["utility"],
        "provenance": provenance("see the tables").as_json(),
    }
    shown = config.report.shows_pictures(config.data) != "none"
    page = write_comparison(
        comparison, found.measured, config.folder, config.name, about, pictures=shown
    )
    sentences = "\n".join(findings(comparison))
    console.say(f"\n{terminal(comparison)}\n\n{sentences}\n\ncomparison: {page}")


def plan_in_words(jobs: Sequence[Job], config: Settings) -> str:
    """What a dry run says."""
    grid = config.grid
    lines = [
        f"{len(jobs)} cells: {len(grid.defenses)} defenses × {len(grid.seeds)} seeds, all checked "
        "but the weights"
    ]
    for name in grid.defenses:
        job = next(job for job in jobs if job.cell.defense == name)
        stops = [f"{each:g}" for each in job.config.finetune.checkpoints]
        way = f"{', '.join(stops)} steps per image and at " if stops else ""
        words = " ".join(grid.defenses[name]) or "nothing added"
        lines.append(f"  {name}: {words}; audited at {way}the end")
    return "\n".join(lines)
