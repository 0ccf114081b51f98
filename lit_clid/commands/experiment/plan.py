"""Cells as configurations, checked as a whole before the first of them is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from lit_clid.about import Facts, ModelNote
from lit_clid.auditing.losses import UTILITY, Denoising
from lit_clid.auditing.queries import check_attacks
from lit_clid.auditing.utility.features import clip_score, features_named
from lit_clid.commands.checks import check_headline, check_once, check_rules, check_stacked
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.splits import planned_split, split_of
from lit_clid.commands.trainings import plan_training
from lit_clid.config.options.experiment import Cell, UtilityOptions
from lit_clid.config.reading import CONFIGS
from lit_clid.data.split import Split
from lit_clid.data.twins import Sameness
from lit_clid.errors import UserError, suggestion
from lit_clid.hub import is_hub_id
from lit_clid.models.captions import caption_keys
from lit_clid.models.load import check_target, load_target
from lit_clid.provenance import refuse_changes
from lit_clid.training.contradictions import check_records
from lit_clid.training.defenses import StepBudget
from lit_clid.training.facts import training_facts
from lit_clid.training.trainer import checkpoint_steps

OVERLAYS = (Path("configs") / "defenses", CONFIGS / "defenses")
"""Where a defense's name is looked for: below the working directory, then beside the package."""


@dataclass(frozen=True)
class Job:
    """A cell and how it is trained and audited; its run folder lies in the experiment's."""

    cell: Cell
    config: Settings

    @property
    def roles(self) -> tuple[str, ...]:
        """Which models are trained."""
        return ("target", "shadow") if self.config.grid.shadow else ("target",)

    @cached_property
    def split(self) -> Split:
        """The cell's split, drawn or read and verified once."""
        return split_of(self.config, self.config.target.source)


def read_jobs(arguments: Sequence[str], experiment: Settings, default: Path) -> list[Job]:
    """Every cell's configuration.

    Its words are the experiment's files, the defense's words and the experiment's key=value words.
    """
    files = [word for word in arguments if "=" not in word] or [str(default)]
    changes = [word for word in arguments if "=" in word]
    if not experiment.grid.defenses:
        raise UserError(
            "grid.defenses: names no defense; give a config such as "
            "configs/experiments/defenses.yaml"
        )
    return [_job(cell, files, changes, experiment) for cell in experiment.grid.cells]


def _job(cell: Cell, files: Sequence[str], changes: Sequence[str], experiment: Settings) -> Job:
    words = experiment.grid.defenses[cell.defense]
    overlays = [overlay(word, cell.defense) for word in words if "=" not in word]
    own = [word for word in words if "=" in word]
    try:
        config = read([*files, *overlays, *own, *changes], Path(files[0]))
    except UserError as error:
        raise UserError(f"grid.defenses.{cell.defense}: {error}") from None
    followed = experiment.grid.checkpoints if experiment.grid.follows(cell.defense) else []
    own_config = replace(
        config,
        runs=str(experiment.folder),
        name=cell.name,
        seed=cell.seed,
        finetune=replace(config.finetune, checkpoints=followed),
        role="target",
    )
    return Job(cell, own_config)


def overlay(word: str, defense: str) -> str:
    """The YAML file that a word of a defense means.

    Raises:
        UserError: if there is none.
    """
    if word.endswith((".yaml", ".yml")):
        return word
    for folder in OVERLAYS:
        if (folder / f"{word}.yaml").is_file():
            return str(folder / f"{word}.yaml")
    known = sorted({file.stem for folder in OVERLAYS for file in folder.glob("*.yaml")})
    hint = suggestion(word, known, listed="known", most=30)
    raise UserError(f"grid.defenses.{defense}: no overlay '{word}' in configs/defenses{hint}")


def check_jobs(jobs: Sequence[Job], *, dry: bool) -> list[Job]:
    """Refuse a grid that cannot be carried out.

    Returns the jobs with the checkpoints that each can reach.

    Args:
        dry: leave out what needs the machine and the weights that will do it.

    Raises:
        UserError: naming the defense, for collisions, contradictions, checkpoints beyond the end,
            data that fail.
    """
    seen: dict[str, str] = {}
    checked: dict[str, Job] = {}
    attacks = jobs[0].config.attacks
    for job in jobs:
        name = job.cell.defense
        if name in checked:
            continue
        if job.config.attacks != attacks:
            raise UserError(
                f"grid.defenses.{name}: changes the attacks; all cells are asked the same"
            )
        try:
            check_once(job.config, "a comparison")
            split = _split(job.config, dry)
            checked[name] = _check_job(job, split, dry)
        except UserError as error:
            raise UserError(f"grid.defenses.{name}: {error}") from None
        config = job.config
        facts = str(training_facts(config, split.fingerprint, str(config.target.source), 1))
        if facts in seen:
            raise UserError(
                f"grid.defenses: '{seen[facts]}' and '{name}' collide, they train the same model; "
                "leave one of them out"
            )
        seen[facts] = name
    if not dry:
        _check_questions(jobs[0].config)
    reach = {name: job.config.finetune.checkpoints for name, job in checked.items()}
    return [_with_checkpoints(job, reach[job.cell.defense]) for job in jobs]


def _check_questions(config: Settings) -> None:
    """Refuse attacks and utility that the base cannot serve, before anything is trained."""
    options = config.utility
    base = load_target(config.target.source)
    attacks = config.attacks
    check_rules(attacks, calibrated=config.grid.shadow)
    check_headline(config)
    check_stacked(config, calibrated=config.grid.shadow)
    check_attacks(attacks, base, [])
    check_attacks({UTILITY: held_out_loss(options)}, base, [])
    if options.samples and options.features is not None:
        features_named(options.features, base, base.side(config.data.resolution))
    if options.samples and options.alignment is not None:
        clip_score(options.alignment, torch.device("cpu"))


def held_out_loss(options: UtilityOptions) -> Denoising:
    """The held-out loss that `options` ask for."""
    return Denoising(tuple(options.t), options.draws, title="held-out loss")


def _split(config: Settings, dry: bool) -> Split:
    """The cell's split; one that is only planned is written nowhere."""
    source, drawn = config.target.source, (config.folder / "split.csv").is_file()
    with TemporaryDirectory() as elsewhere:
        folder = config.folder if drawn else Path(elsewhere)
        if dry and not drawn:
            away = is_hub_id(source.path)
            same: Sameness = list if away else partial(caption_keys, source)
            return planned_split(config, folder, same)
        return split_of(config, source, folder=folder)


def _with_checkpoints(job: Job, checkpoints: list[float]) -> Job:
    finetune = replace(job.config.finetune, checkpoints=checkpoints)
    return replace(job, config=replace(job.config, finetune=finetune))


def _check_job(job: Job, split: Split, dry: bool) -> Job:
    config = job.config
    if not (dry and is_hub_id(config.target.path)):
        check_target(config.target.source).check_group(config.finetune.train)
    machine = {
        "accelerator": "cpu",
        "devices": 1,
        "strategy": "auto",
        "num_nodes": 1,
        "precision": "32-true",
    }
    planned = plan_training(config, split, {**config.trainer, **(machine if dry else {})})
    check_records(planned.defenses, split, "target")
    reachable, last = config.finetune.checkpoints, planned.trainer.max_steps
    if planned.defenses.one(StepBudget) is not None:
        reachable = [each for each in reachable if each * planned.members <= last]
    checkpoint_steps(reachable, planned.members, last)
    return _with_checkpoints(job, reachable)


def refuse_stale(note: ModelNote | None, config: Settings, split: Split, where: str) -> None:
    """Refuse results of a model that another configuration trained.

    Its base and processes are its own business.
    """
    found = Facts() if note is None else note.facts
    base, processes = str(found.base), found.processes or 1
    wanted = training_facts(config, split.fingerprint, base, processes)
    refuse_changes(found.as_json(), wanted.as_json(), where)
