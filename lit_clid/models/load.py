"""`load_target`, the one way in for folders and hub ids; nothing of them is run or unpickled."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line
from lit_clid.models.demo import PIPELINE
from lit_clid.models.families import FAMILIES, Family
from lit_clid.models.lora import fold_file
from lit_clid.models.pipeline import PipelineTarget, nothing
from lit_clid.models.variants import only_variant

LIBRARIES = ("diffusers", "transformers", "stable_diffusion", "kolors", "deepfloyd_if")
"""Where parts may be from; the last ones are modules of diffusers' own pipelines."""


def load_target(
    path: str,
    *,
    variant: str | None = None,
    precision: str = "32",
    channels_last: bool = True,
    compile: bool = False,
    rows: int = 64,
    lora: str | None = None,
) -> PipelineTarget:
    """Load a diffusers pipeline, frozen, on the CPU.

    Args:
        path: folder, hub id, or "demo".
        variant: weight variant, such as "fp16"; None takes the plain files or, in a folder without
            them, the only variant there is.
        precision: of the denoiser: "32", "bf16" or "16"; VAE and text encoder stay in float32.
        channels_last, compile: how the denoiser runs.
        rows: most rows in one call of the denoiser.
        lora: file of LoRA factors (safetensors) that are added to its weights.

    Raises:
        UserError: if the folder or id does not exist, lacks a part, or is of an unknown family.
    """
    family, lacking = _find(path)
    where = locate(path)
    if variant is None and not is_hub_id(where):
        variant = only_variant(Path(where), list(family.parts))
    changed = nothing if lora is None else partial(fold_file, file=Path(lora))
    target = PipelineTarget.load(
        where,
        family,
        lacking,
        changed,
        variant=variant,
        precision=precision,
        channels_last=channels_last,
        compile=compile,
        rows=rows,
    )
    if lora is not None:
        target.source = lora
    return target


def locate(path: str) -> str:
    """The folder or hub id that `path` means."""
    if path == "demo":
        return str(PIPELINE)
    return str(Path(path).expanduser()) if path.startswith("~") else path


def check_target(path: str) -> Family:
    """The family of the pipeline at `path`, whose parts are all there; loads no weights.

    Raises:
        UserError: as `load_target`.
    """
    return _find(path)[0]


def _find(path: str) -> tuple[Family, list[str]]:
    """The family of the pipeline at `path`, and the optional parts that it goes without."""
    where = locate(path)
    index = read_index(where)
    name = str(index.get("_class_name"))
    if name not in FAMILIES:
        raise UserError(
            f"{path}: pipelines of class {name} are not supported; supported: {few(list(FAMILIES))}"
        )
    return FAMILIES[name], _check_parts(path, where, index, FAMILIES[name])


def is_hub_id(path: str) -> bool:
    """True for "name" or "owner/name" where no such folder exists and nothing marks it as a
    path.
    """
    return not path.startswith((".", "/", "~")) and path.count("/") <= 1 and not Path(path).exists()


def read_index(where: str) -> dict[str, Any]:
    """`model_index.json` of a folder or hub id: the library and class of each part."""
    if not is_hub_id(where):
        file = Path(where) / "model_index.json"
        if not file.is_file():
            raise UserError(
                f"{where}: no diffusers pipeline there (model_index.json is missing); give a "
                "folder written by lit-clid train or by save_pretrained, a hub id, or 'demo'"
            )
        try:
            index: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(
                f"{file}: not valid JSON ({error}); export the pipeline again"
            ) from None
        return index
    from huggingface_hub import hf_hub_download

    try:
        return dict(
            json.loads(Path(hf_hub_download(where, "model_index.json")).read_text(encoding="utf-8"))
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"target '{where}': neither a folder here nor reachable as a hub id "
            f"({first_line(error)}); check the spelling and the network, or give a local "
            "diffusers folder"
        ) from None


def _parts(index: dict[str, Any]) -> dict[str, str | None]:
    """Part → the library that its class is of; None for one that the pipeline goes without."""
    parts: dict[str, str | None] = {}
    for name, value in index.items():
        if isinstance(value, (list, tuple)) and len(value) == 2:
            parts[name] = value[0]
    return parts


def _check_parts(path: str, where: str, index: dict[str, Any], family: Family) -> list[str]:
    """Every part is from diffusers or transformers and, in a local folder, has its files.

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
        if not is_hub_id(where):
            _check_files(path, Path(where) / name, patterns)
    return absent


def _check_files(path: str, folder: Path, patterns: Sequence[str]) -> None:
    missing = [pattern for pattern in patterns if not list(folder.glob(pattern))]
    if missing:
        raise UserError(
            f"{path}: the part {folder.name}/ is incomplete, {few(missing)} is missing; export the "
            "pipeline again"
        )
