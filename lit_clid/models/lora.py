"""Low-rank adaptation of a denoiser (Hu et al. 2022), by peft, and its factors in files."""

import fnmatch
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.weights import LORA_FILE
from lit_clid.randomness import generator

KOHYA_FILE = "kohya.safetensors"
"""The factors as kohya's tools name them."""
AS_UNET = ("QwenImagePipeline", "ZImagePipeline")
"""Families whose transformer kohya's tools call a U-Net; the others' names are OneTrainer's."""


def add_lora(network: Any, modules: Sequence[str], rank: int, alpha: float, seed: int) -> None:
    """Freeze nothing, add trainable factors of W + α/rank · B·A to the named modules.

    A name may be a pattern such as "blocks.*.to_out". B is zero; A is drawn as peft draws it, but
    by (seed, name), so that training can be repeated.
    """
    from peft import LoraConfig, inject_adapter_in_model

    names, targets = [name for name, _ in network.named_modules()], list[str]()
    for module in modules:
        targets += fnmatch.filter(names, module) if "*" in module else [module]
    factors = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets)
    inject_adapter_in_model(factors, network)
    for name, parameter in network.named_parameters():
        if ".lora_A." in name and not parameter.is_meta:
            dice = generator(seed, "lora", name)
            torch.nn.init.kaiming_uniform_(parameter, a=sqrt(5), generator=dice)


@contextmanager
def folded(target: PipelineTarget) -> Iterator[None]:
    """Within this, the target's pipeline is an ordinary one in float32: a copy on the CPU with
    factors folded in, where there are any or weights are held in half precision.
    """
    from diffusers.utils.peft_utils import recurse_remove_peft_layers
    from peft.tuners.tuners_utils import BaseTunerLayer

    pipeline, name, halved = target.pipeline, target.family.network, target.denoiser.halved
    network = getattr(pipeline, name)
    if not halved.any and not any(isinstance(m, BaseTunerLayer) for m in network.modules()):
        yield
        return
    plain = halved.copied(network)
    for module in plain.modules():
        if isinstance(module, BaseTunerLayer):
            module.merge()
    setattr(pipeline, name, recurse_remove_peft_layers(plain))
    try:
        yield
    finally:
        setattr(pipeline, name, network)


def write_factors(target: PipelineTarget, folder: Path) -> None:
    """Write the factors of a target in training, as diffusers and peft name them and as kohya's
    tools do.

    In the first file α/r is multiplied into B, for not every reader looks for α; in the second α
    stands beside the factors.
    """
    from safetensors.torch import save_file

    part = target.family.network
    is_unet = part == "unet" or target.family.pipeline in AS_UNET
    prefix = "lora_unet" if is_unet else "lora_transformer"
    plain: dict[str, Tensor] = {}
    kohya: dict[str, Tensor] = {}
    told: dict[str, str] = {}
    for name, module in target.denoiser.network.named_modules():
        if not len(getattr(module, "lora_A", ())):
            continue
        (adapter,) = module.lora_A
        down, up = (_kept(each[adapter].weight) for each in (module.lora_A, module.lora_B))
        rank, alpha = len(down), float(module.lora_alpha[adapter])
        plain[f"{part}.{name}.lora_A.weight"] = down
        plain[f"{part}.{name}.lora_B.weight"] = up * (alpha / rank)
        flat = f"{prefix}_{name.replace('.', '_')}"
        kohya |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
        kohya[f"{flat}.alpha"] = torch.tensor(alpha)
        told = {"ss_network_dim": str(rank), "ss_network_alpha": str(alpha)}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(plain, folder / LORA_FILE, metadata={"format": "pt"})
    told |= {"ss_network_module": "networks.lora", "format": "pt"}
    save_file(kohya, folder / KOHYA_FILE, metadata=told)


def _kept(weight: Tensor) -> Tensor:
    return weight.detach().to("cpu", torch.float32).clone().contiguous()
