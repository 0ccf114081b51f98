"""`load_target`, the one way in for whatever names a model; nothing of it is run or unpickled."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line
from lit_clid.hub import is_hub_id, revised
from lit_clid.models.families import KNOWN, Family
from lit_clid.models.memory import Memory
from lit_clid.models.opening import open_pipeline
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.singles import check_single, guessed_config
from lit_clid.models.variants import only_variant
from lit_clid.models.weights import (
    INDEX,
    LORA_FILES,
    AbsentError,
    first_of,
    hub_file,
    locate,
    put_on,
)
from lit_clid.source import Source, as_source

LIBRARIES = ("diffusers", "transformers", "stable_diffusion", "kolors", "deepfloyd_if")
"""Where parts may be from; the last ones are modules of diffusers' own pipelines."""


def load_target(
    path: str | Source,
    *,
    variant: str | None = None,
    precision: str = "32",
    channels_last: bool = True,
    compile: bool | str = False,
    rows: int = 64,
    offload: bool = False,
    memory: Memory | None = None,
) -> PipelineTarget:
    """Load a diffusers pipeline, frozen, on the CPU.

    Args:
        path: folder, hub id, single file, or "demo"; or a source, which may be made of more.
        variant: of a path's weights, such as "fp16"; None takes the plain files or, in a folder
            without them, the only variant there is.
        precision: of the denoiser: "32", "bf16" or "16"; VAE and text encoder stay in float32.
        channels_last: how the denoiser's weights lie.
        compile: whether the denoiser is compiled, or "graphs": see `compiled`.
        rows: most rows in one call of the denoiser.
        offload: keep the text encoders on the CPU.
        memory: of what was encoded, which models may share.

    Raises:
        UserError: if the folder or id does not exist, lacks a part, or is of an unknown family, or
            if what is put on it does not fit.
    """
    source = Source(path, variant) if isinstance(path, str) else path
    family, lacking = _find(source)
    place, variant = place_of(source), source.variant
    if variant is None and not source.is_single_file and not is_hub_id(place):
        variant = only_variant(Path(place), list(family.parts))
    pipeline = open_pipeline(source, family, lacking, variant, place)
    pipeline.set_progress_bar_config(disable=True)
    return PipelineTarget(
        pipeline,
        family,
        str(source),
        precision=precision,
        channels_last=channels_last,
        compile=compile,
        rows=rows,
        offload=offload,
        made_of=source,
        memory=memory,
    )


def place_of(model: str | Source) -> str:
    """The folder or hub id where a model's configs and tokenizers lie.

    Raises:
        UserError: for a single file that is none, or like no pipeline.
    """
    source = as_source(model)
    if not source.is_single_file:
        return locate(source.path)
    file = Path(locate(source.path))
    check_single(file)
    return locate(revised(source.config)[0]) if source.config else guessed_config(file)


def check_target(model: str | Source) -> Family:
    """The family of a pipeline, whose parts are all there; loads no weights.

    Raises:
        UserError: as `load_target`.
    """
    return _find(as_source(model))[0]


def _find(source: Source) -> tuple[Family, list[str]]:
    """The family of a pipeline, and the optional parts that it goes without."""
    where = place_of(source)
    put_on(source)
    index = read_index(where, source.configs_revision)
    name = str(index.get("_class_name"))
    if name not in KNOWN:
        raise UserError(
            f"{source.path}: pipelines of class {name} are not supported; supported: "
            f"{few(list(KNOWN))}"
        )
    here = not is_hub_id(where) and not source.is_single_file
    return KNOWN[name], _check_parts(source.path, Path(where), index, KNOWN[name], here)


def read_index(where: str, revision: str | None = None) -> dict[str, Any]:
    """`model_index.json` of a folder or hub id: the library and class of each part."""
    if not is_hub_id(where):
        file = Path(where) / INDEX
        if not file.is_file():
            for name in LORA_FILES:
                if (Path(where) / name).is_file():
                    raise _is_lora(where, name, where)
            raise UserError(
                f"{where}: no diffusers pipeline there ({INDEX} is missing); give a folder "
                "written by lit-clid train or by save_pretrained, a hub id, or 'demo'"
            )
        try:
            index: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(
                f"{file}: not valid JSON ({error}); export the pipeline again"
            ) from None
        return index
    try:
        file = hub_file(where, INDEX, revision)
    except AbsentError:
        with suppress(AbsentError):
            name, _ = first_of(where, revision, LORA_FILES)
            raise _is_lora(
                where, name, where if revision is None else f"{where}@{revision}"
            ) from None
        raise UserError(
            f"{where}: no diffusers pipeline there ({INDEX} is missing); name a repository that "
            "holds a whole one"
        ) from None
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{where}: its model_index.json is no JSON ({first_line(error)})") from None


def _is_lora(where: str, name: str, named: str) -> UserError:
    """What is told of LoRA factors where a pipeline is meant."""
    return UserError(
        f"{where}: is a LoRA ({name}), no pipeline; name it with target.lora=[{named}], and its "
        "base with target.path"
    )


def part_class(library: str, kind: str) -> Any:
    """The class of a part, as `model_index.json` names it: of diffusers, of transformers, or of one
    of diffusers' own pipelines.
    """
    with quiet_imports():
        import diffusers
        import transformers

        places = {"diffusers": diffusers, "transformers": transformers}
        return getattr(places.get(library) or getattr(diffusers.pipelines, library), kind)


def _parts(index: dict[str, Any]) -> dict[str, str | None]:
    """Part → the library that its class is of; None for one that the pipeline goes without."""
    parts: dict[str, str | None] = {}
    for name, value in index.items():
        if isinstance(value, (list, tuple)) and len(value) == 2:
            parts[name] = value[0]
    return parts


def _check_parts(
    path: str, where: Path, index: dict[str, Any], family: Family, here: bool
) -> list[str]:
    """Every part is from diffusers or transformers and, where it lies here, has its files.

    Returns the optional parts that are absent.
    """
    parts = _parts(index)
    strange = [name for name, library in parts.items() if library not in (None, *LIBRARIES)]
    if strange:
        raise UserError(
            f"{path}: parts {few(strange)} need code from outside diffusers; nothing of it is run"
        )
    absent = [name for name in family.optional if parts.get(name) is None]
    if absent and len(absent) < len(family.optional):
        raise UserError(
            f"{path}: model_index.json names no {few(absent)}, but {few(list(family.optional))} go "
            "together; export the pipeline again"
        )
    for name, patterns in family.parts.items():
        if name in absent:
            continue
        if parts.get(name) is None:
            raise UserError(
                f"{path}: model_index.json names no {name}; a complete text-to-image pipeline is "
                "needed"
            )
        if here:
            _check_files(path, where / name, patterns)
    return absent


def _check_files(path: str, folder: Path, patterns: Sequence[str]) -> None:
    missing = [pattern for pattern in patterns if not list(folder.glob(pattern))]
    if missing:
        raise UserError(
            f"{path}: the part {folder.name}/ is incomplete, {few(missing)} is missing; export the "
            "pipeline again"
        )
