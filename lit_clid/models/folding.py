"""LoRA files put on a pipeline, for good: its weights become W + ΔW (`factors`).

A module is found by the name that the file calls it by, as diffusers names modules or with its dots
as underscores, as kohya's tools do. Names of a family's first release (SDXL's input_blocks, FLUX's
double_blocks) are diffusers' to translate.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from lit_clid.errors import UserError, few, first_line
from lit_clid.models.factors import NAME, ROLES, Factors, read_factors
from lit_clid.models.families import Family
from lit_clid.models.quantised import plain_tensors
from lit_clid.models.quiet import silent
from lit_clid.models.weights import read_tensors

NETWORK = ("unet", "transformer", "diffusion_model", "lora_unet", "lora_transformer", "lycoris")
"""How files call a denoiser."""
ENCODERS: dict[str, tuple[str, ...]] = {
    "text_encoder": ("text_encoder", "lora_te", "lora_te1"),
    "text_encoder_2": ("text_encoder_2", "lora_te2"),
    "text_encoder_3": ("text_encoder_3", "lora_te3"),
}
"""How they call text encoders, by the pipeline's name."""
WRAPPED = "base_model.model."
"""How peft begins every name."""
OLD = re.compile(r"\.processor\.(to_q|to_k|to_v|to_out)$")
"""How diffusers once called the projections of an attention."""


def fold_file(pipeline: Any, family: Family, file: Path, strength: float = 1.0) -> None:
    """Add `strength` times what a LoRA file changes.

    Raises:
        UserError: if it is none, or of another architecture.
    """
    found = read_factors(file)
    modules = dict(_modules(pipeline, family))
    placed = {each.module: modules.get(_plain(each.module)) for each in found}
    lost = sorted(name for name, module in placed.items() if module is None)
    if lost and not hasattr(pipeline, "load_lora_weights"):
        _refuse(file, lost, len(found))
    if lost:
        _fold_by_diffusers(pipeline, file, strength, lost, found)
    for each in found:
        module = placed[each.module]
        if module is not None:
            _fold(module, each, file, strength)


@torch.no_grad()
def _fold(module: Any, factors: Factors, file: Path, strength: float) -> None:
    weight = getattr(module, "weight", None)
    plain = [] if weight is None else list(plain_tensors(weight))
    if len(plain) != 1 or plain[0] is not weight or not weight.is_floating_point():
        raise UserError(
            f"{file}: {factors.module} has no plain weights here that factors can be added to; "
            "put it on the unquantised base"
        )
    try:
        weight.copy_(factors.merged(weight, strength))
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"{file}: a LoRA of another architecture ({factors.module}: {first_line(error)}); name "
            "its own base with target.path"
        ) from None


def _modules(pipeline: Any, family: Family) -> Iterator[tuple[str, Any]]:
    """Modules that factors may be of by every name that files call them by; a name without its
    part's is the denoiser's or, of a pipeline with one text encoder, that one's.
    """
    encoders = [part for part in ENCODERS if getattr(pipeline, part, None) is not None]
    for part in (*encoders, family.network):
        titles = NETWORK if part == family.network else ENCODERS[part]
        for name, module in getattr(pipeline, part).named_modules():
            if not name or not hasattr(module, "weight"):
                continue
            for own in _spellings(name, part):
                if part == family.network or len(encoders) == 1:
                    yield own, module
                for title in titles:
                    yield f"{title}.{own}", module
                    yield f"{title}_{own.replace('.', '_')}", module


def _spellings(name: str, part: str) -> tuple[str, ...]:
    """A module's name, of CLIP with and without what its class was wrapped in."""
    if part not in ENCODERS:
        return (name,)
    bare = name.removeprefix("text_model.")
    return (bare, f"text_model.{bare}")


def _plain(module: str) -> str:
    """The name of a module without peft's wrapping, and as it is called today."""
    while module.startswith(WRAPPED):
        module = module.removeprefix(WRAPPED)
    found = OLD.search(module)
    if found is None:
        return module
    return module[: found.start()] + (".to_out.0" if found[1] == "to_out" else f".{found[1]}")


def _refuse(file: Path, lost: list[str], count: int) -> None:
    if len(lost) == count:
        raise UserError(
            f"{file}: no LoRA of this base (it has no {few(lost, 1)}); name its base with "
            "target.path"
        )
    raise UserError(
        f"{file}: {len(lost)} of its {count} modules fit nothing in this base ({few(lost, 3)}); "
        "name its own base with target.path"
    )


def _fold_by_diffusers(
    pipeline: Any, file: Path, strength: float, lost: list[str], found: list[Factors]
) -> None:
    """The same for modules that are lost until diffusers has translated their names."""
    try:
        with silent():
            pipeline.load_lora_weights(_tensors_of(file, lost, found), adapter_name="folded")
        changed = [part for part, names in pipeline.get_list_adapters().items() if names]
    except Exception as error:  # peft, torch and safetensors raise their own
        if len(lost) < len(found):
            _refuse(file, lost, len(found))
        said = first_line(error).rstrip(":")
        raise UserError(
            f"{file}: no LoRA of this base ({said}); name its base with target.path"
        ) from None
    if sum(_adapted(getattr(pipeline, part)) for part in changed) < len(lost):
        _refuse(file, lost, len(found))
    pipeline.fuse_lora(components=changed, lora_scale=strength)
    pipeline.unload_lora_weights()


def _tensors_of(file: Path, modules: list[str], found: list[Factors]) -> dict[str, torch.Tensor]:
    """A file's tensors of some modules; where α stands elsewhere, s is multiplied into B."""
    factors = {each.module: each for each in found if each.module in modules}
    tensors, kept = read_tensors(file), {}
    matches = {name: match for name in tensors if (match := NAME.fullmatch(name))}
    told = {match["module"] for match in matches.values() if match["role"] == "alpha"}
    for name, match in matches.items():
        module, tensor = match["module"], tensors[name]
        if module in factors:
            is_up = ROLES[match["role"]] == "up" and module not in told
            kept[name] = tensor * factors[module].scale if is_up else tensor
    return kept


def _adapted(network: Any) -> int:
    """How many modules of a network have factors."""
    return sum(1 for module in network.modules() if len(getattr(module, "lora_A", ())) > 0)
