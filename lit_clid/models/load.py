"""Target adapters, one per model family, and `load_target`, the one way in for folders and hub
ids.
"""

import json
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line
from lit_clid.models.demo import PIPELINE
from lit_clid.models.families.stable_diffusion import StableDiffusion

TARGETS: dict[str, type[StableDiffusion]] = {"StableDiffusionPipeline": StableDiffusion}
"""Adapter by the `_class_name` of a pipeline's model_index.json."""


def load_target(
    path: str,
    *,
    variant: str | None = None,
    precision: str = "32",
    channels_last: bool = True,
    compile: bool = False,
    rows: int = 64,
) -> StableDiffusion:
    """Load a diffusers pipeline, frozen, on the CPU.

    Args:
        path: folder, hub id, or "demo".
        variant: weight variant, such as "fp16".
        precision: of the denoiser: "32", "bf16" or "16"; VAE and text encoder stay in float32.
        channels_last, compile: how the denoiser runs.
        rows: most rows in one call of the denoiser.

    Raises:
        UserError: if the folder or id does not exist, lacks a part, or is of an unknown family.
    """
    where = locate(path)
    family = check_target(path)
    return TARGETS[family].load(
        where,
        variant=variant,
        precision=precision,
        channels_last=channels_last,
        compile=compile,
        rows=rows,
    )


def locate(path: str) -> str:
    """The folder or hub id that `path` means."""
    return (
        str(PIPELINE)
        if path == "demo"
        else str(Path(path).expanduser())
        if path.startswith("~")
        else path
    )


def check_target(path: str) -> str:
    """The family of the pipeline at `path`, after checking that all its parts are there; loads no
    weights.

    Raises:
        UserError: as `load_target`.
    """
    where = locate(path)
    index = _read_index(where)
    family = str(index.get("_class_name"))
    if family not in TARGETS:
        raise UserError(
            f"{path}: pipelines of class {family} are not supported; supported: "
            f"{few(list(TARGETS))}"
        )
    _check_parts(path, where, index)
    return family


def is_hub_id(path: str) -> bool:
    """True for "name" or "owner/name" where no such folder exists and nothing marks it as a
    path.
    """
    return not path.startswith((".", "/", "~")) and path.count("/") <= 1 and not Path(path).exists()


def _read_index(where: str) -> dict[str, Any]:
    if not is_hub_id(where):
        file = Path(where) / "model_index.json"
        if not file.is_file():
            raise UserError(
                f"{where}: no diffusers pipeline there (model_index.json is missing); give a "
                f"folder written by "
                "train.py or by save_pretrained, a hub id, or 'demo'"
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
            f"({first_line(error)}); "
            "check the spelling and the network, or give a local diffusers folder"
        ) from None


def _check_parts(path: str, where: str, index: dict[str, Any]) -> None:
    """Every part is from diffusers or transformers and, in a local folder, has its config and
    safetensors weights.
    """
    parts = {
        name: value
        for name, value in index.items()
        if isinstance(value, (list, tuple)) and len(value) == 2
    }
    strange = [
        name
        for name, (library, _) in parts.items()
        if library not in (None, "diffusers", "transformers", "stable_diffusion")
    ]
    if strange:
        raise UserError(
            f"{path}: parts {few(strange)} need code from outside diffusers; nothing of it is run"
        )
    needed = {
        "unet": ("config.json", "*.safetensors"),
        "vae": ("config.json", "*.safetensors"),
        "text_encoder": ("config.json", "*.safetensors"),
        "tokenizer": ("*.json", "tokenizer_config.json"),
        "scheduler": ("scheduler_config.json",),
    }
    for name, patterns in needed.items():
        if name not in parts:
            raise UserError(
                f"{path}: model_index.json names no {name}; a complete text-to-image pipeline is "
                f"needed"
            )
        if is_hub_id(where):
            continue
        missing = [pattern for pattern in patterns if not list((Path(where) / name).glob(pattern))]
        if missing:
            raise UserError(
                f"{path}: the part {name}/ is incomplete, {few(missing)} is missing; export the "
                f"pipeline again"
            )
