"""LoRA files of a tiny pipeline in every format, and the weights that they should make."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from lit_clid.models.load import load_target

Drawn = dict[str, tuple[Tensor, Tensor]]
"""A and B by module."""
RANK, ALPHA = 3, 1.5


def draw(network: Any, modules: tuple[str, ...], rank: int = RANK, seed: int = 0) -> Drawn:
    """Random factors of some modules of a network."""
    dice = torch.Generator().manual_seed(seed)
    found: Drawn = {}
    for name, module in network.named_modules():
        if name.endswith(modules):
            rows, columns = module.weight.shape
            down = torch.randn(rank, columns, generator=dice)
            found[name] = down, 0.1 * torch.randn(rows, rank, generator=dice)
    return found


def by_hand(network: Any, drawn: Drawn, scale: float) -> dict[str, Tensor]:
    """W + scale · B·A, and every other weight."""
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    for name, (down, up) in drawn.items():
        weights[f"{name}.weight"] += scale * (up @ down)
    return weights


def save_peft(drawn: Drawn, part: str, folder: Path, **told: Any) -> Path:
    """As PeftModel.save_pretrained does."""
    named = {"A": 0, "B": 1}
    tensors: dict[str, Tensor] = {}
    for name, pair in drawn.items():
        for end, k in named.items():
            tensors[f"base_model.model.{name}.lora_{end}.weight"] = pair[k]
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, **told}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def save_diffusers(drawn: Drawn, part: str, folder: Path) -> Path:
    """As save_lora_weights does, α in the header."""
    tensors: dict[str, Tensor] = {}
    for name, (down, up) in drawn.items():
        tensors[f"{part}.{name}.lora_A.weight"] = down
        tensors[f"{part}.{name}.lora_B.weight"] = up
    told = {f"{part}.r": RANK, f"{part}.lora_alpha": ALPHA}
    folder.mkdir(parents=True)
    file = folder / "pytorch_lora_weights.safetensors"
    save_file(tensors, file, metadata={"format": "pt", "lora_adapter_metadata": json.dumps(told)})
    return file


def save_old_diffusers(drawn: Drawn, part: str, folder: Path) -> Path:
    """As diffusers did before peft; α is not told, and stands in B."""
    tensors: dict[str, Tensor] = {}
    for name, (down, up) in drawn.items():
        head, _, last = name.removesuffix(".0").rpartition(".")
        own = last in ("to_q", "to_k", "to_v", "to_out")
        old = f"{part}.{head}.processor.{last}_lora" if own else f"{part}.{name}.lora"
        tensors[f"{old}.down.weight"], tensors[f"{old}.up.weight"] = down, up * ALPHA / RANK
    folder.mkdir(parents=True)
    save_file(tensors, folder / "old.safetensors")
    return folder / "old.safetensors"


def save_kohya(drawn: Drawn, part: str, folder: Path) -> Path:
    """As kohya's tools do."""
    prefix = "lora_unet" if part == "unet" else "lora_transformer"
    tensors: dict[str, Tensor] = {}
    for name, (down, up) in drawn.items():
        flat = f"{prefix}_{name.replace('.', '_')}"
        tensors[f"{flat}.lora_down.weight"], tensors[f"{flat}.lora_up.weight"] = down, up
        tensors[f"{flat}.alpha"] = torch.tensor(ALPHA)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "kohya.safetensors")
    return folder / "kohya.safetensors"


FORMATS: dict[str, Callable[[Drawn, str, Path], Path]] = {
    "peft": save_peft,
    "diffusers": save_diffusers,
    "old diffusers": save_old_diffusers,
    "kohya": save_kohya,
}


def network_of(base: Path | str) -> Any:
    return load_target(str(base), channels_last=False).denoiser.network
