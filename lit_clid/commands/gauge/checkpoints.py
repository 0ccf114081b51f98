"""Models that a pattern names, each with the step that it is of."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from itertools import pairwise
from pathlib import Path

from lit_clid import console
from lit_clid.config.options.target import TargetOptions
from lit_clid.errors import UserError, few
from lit_clid.models.load import check_target
from lit_clid.models.note import read_note
from lit_clid.models.weights import INDEX, LORA_FILES, locate
from lit_clid.source import Source

TABLES = "scores"
"""A folder beside a grid's checkpoints that holds none."""
NAMED = re.compile(r"(?:step|checkpoint|iter|iteration)s?[=_-]?(\d+)(?![\d.ek])", re.IGNORECASE)
"""A step that says so, as in step=300, step-300, epoch=1-step=300, checkpoint-300."""
NUMBER = re.compile(r"\d+")
"""A name that is nothing but its step."""


@dataclass(frozen=True)
class Checkpoint:
    """A model on the way.

    Args:
        step: optimiser steps behind it.
        path: of the pipeline's folder, or of a LoRA file.
        base: what a LoRA file is put on; None for a pipeline.
        variant: of a pipeline's weights.
    """

    step: int
    path: str
    base: Source | None = None
    variant: str | None = None

    @property
    def source(self) -> Source:
        """What the model is made of."""
        if self.base is None:
            return Source(self.path, self.variant)
        return replace(self.base, lora=(*self.base.lora, (self.path, 1.0)))


def is_pattern(named: str | None) -> bool:
    """True for a pattern, which no folder is called."""
    return named is not None and has_magic(named) and not Path(locate(named)).exists()


def find_checkpoints(
    pattern: str, base: TargetOptions, variant: str | None
) -> tuple[Checkpoint, ...]:
    """What `pattern` matches, steps rising; nothing is loaded.

    A folder that is no model but holds models is entered; a shadow's models are left out aloud.

    Args:
        base: what LoRA files are put on.
        variant: of the weights of pipelines.

    Raises:
        UserError: for no match, one that is no model or whose step is not known, two of one step.
    """
    places = sorted(Path(each) for each in glob(locate(pattern), recursive=True))  # noqa: PTH207
    if not places:
        raise UserError(f"audit.target: nothing matches {pattern}; check the folder and the quotes")
    found: list[Checkpoint] = []
    for model in _models(places):
        step = step_of(model)
        if model.suffix == ".safetensors":
            found.append(Checkpoint(step, str(model), base.source))
        else:
            check_target(str(model))
            found.append(Checkpoint(step, str(model), variant=variant))
    if not found:
        raise UserError(f"audit.target: {pattern} matches only models of a shadow")
    found.sort(key=lambda each: each.step)
    for first, second in pairwise(found):
        if first.step == second.step:
            raise UserError(
                f"audit.target: {first.path} and {second.path} are both of step {first.step}; "
                "match one of them"
            )
    return tuple(found)


def _models(places: Sequence[Path]) -> Iterator[Path]:
    """Folders of pipelines and LoRA files, those within a folder of them included."""
    for place in (each for each in places if each.name != TABLES):
        inside = sorted(each for each in place.glob("*") if _model(each)) if place.is_dir() else []
        models = [place] if _model(place) or not inside else inside
        shadows = [each for each in models if _of_shadow(each)]
        if shadows:
            console.say(
                f"note: left out, for they are a shadow's: {few(list(map(str, shadows)), 3)}"
            )
        for each in models:
            if each not in shadows:
                yield _required(each)


def _model(place: Path) -> Path | None:
    """A pipeline's folder or a LoRA file; None for anything else."""
    if (place / INDEX).is_file():
        return place
    for name in LORA_FILES:
        if (place / name).is_file():
            return place / name
    return place if place.is_file() and place.suffix == ".safetensors" else None


def _required(place: Path) -> Path:
    model = _model(place)
    if model is None:
        why = f"neither a folder of a pipeline ({INDEX}) nor a LoRA file (.safetensors)"
        if place.suffix == ".ckpt":
            why = "a checkpoint that training is resumed from; finetune.checkpoints exports models"
        elif (place / "checkpoints").is_dir():
            why = f"a run folder; match {place}/checkpoints/*"
        raise UserError(f"audit.target: {place} is {why}")
    return model


def _of_shadow(place: Path) -> bool:
    note = read_note(str(place))
    return note is not None and note.facts.role == "shadow"


def step_of(model: Path) -> int:
    """The step that a model is of, as its note or its name says.

    Raises:
        UserError: if neither does.
    """
    note = read_note(str(model))
    if note is not None and note.steps:
        return note.steps
    name = (
        model.parent.name if model.name in LORA_FILES else model.name.removesuffix(".safetensors")
    )
    told = NAMED.findall(name) or ([name] if NUMBER.fullmatch(name) else [])
    if len(told) != 1:
        raise UserError(
            f"audit.target: the name of {model} does not say one step; rename it, as in step-300"
        )
    return int(told[0])
