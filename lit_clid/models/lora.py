"""Low-rank adaptation of a denoiser (Hu et al. 2022), by peft, and files of its factors."""

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import Any

import torch

from lit_clid.errors import UserError, few, first_line
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.quiet import silent
from lit_clid.randomness import generator


def add_lora(network: Any, modules: Sequence[str], rank: int, alpha: float, seed: int) -> None:
    """Freeze nothing, add trainable factors of W + α/rank · B·A to the named modules.

    B is zero; A is drawn as peft draws it, but by (seed, name), so that training can be repeated.
    """
    from peft import LoraConfig, inject_adapter_in_model

    factors = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(modules))
    inject_adapter_in_model(factors, network)
    for name, parameter in network.named_parameters():
        if ".lora_A." in name and not parameter.is_meta:
            dice = generator(seed, "lora", name)
            torch.nn.init.kaiming_uniform_(parameter, a=sqrt(5), generator=dice)


@contextmanager
def folded(target: PipelineTarget) -> Iterator[None]:
    """Within this, the target's pipeline is an ordinary one: factors folded into a copy."""
    from diffusers.utils.peft_utils import recurse_remove_peft_layers
    from peft.tuners.tuners_utils import BaseTunerLayer

    pipeline, name = target.pipeline, target.family.network
    network = getattr(pipeline, name)
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, BaseTunerLayer):
            module.merge()
    setattr(pipeline, name, recurse_remove_peft_layers(plain))
    try:
        yield
    finally:
        setattr(pipeline, name, network)


FACTOR = re.compile(r"[._](lora_[AB]|lora_down|lora_up|lora\.down|lora\.up|down|up)\.weight$")
"""How the name of a factor ends, behind its module's, in files of peft, kohya and diffusers."""
LORA_FILE = "pytorch_lora_weights.safetensors"
"""What diffusers calls the file in a folder of LoRA factors."""


def fold_file(pipeline: Any, file: Path) -> None:
    """Add the factors of a LoRA file (safetensors) to a pipeline's weights, for good.

    Raises:
        UserError: if they are none, or of another architecture.
    """
    folder, name = str(file.parent), file.name
    try:
        with silent():
            pipeline.load_lora_weights(
                folder, weight_name=name, use_safetensors=True, local_files_only=True
            )
        changed = [part for part, names in pipeline.get_list_adapters().items() if names]
    except Exception as error:  # peft, torch and safetensors raise their own
        said = first_line(error).rstrip(":")
        raise UserError(
            f"{file}: no LoRA of this base ({said}); name its base with target.path"
        ) from None
    if not changed:
        raise UserError(f"{file}: holds no factors for a part of this base; see target.path")
    held, taken = _modules_of(file), sum(_adapted(getattr(pipeline, part)) for part in changed)
    if taken < len(held):
        raise UserError(
            f"{file}: {len(held) - taken} of its {len(held)} modules fit nothing in this base; "
            f"name its own base with target.path (it holds {few(sorted(held), 3)})"
        )
    pipeline.fuse_lora(components=changed)
    pipeline.unload_lora_weights()


def _modules_of(file: Path) -> set[str]:
    """The modules that a file holds factors of, as it calls them."""
    from safetensors import safe_open

    with safe_open(str(file), framework="pt") as tensors:
        return {FACTOR.sub("", name) for name in tensors.keys() if FACTOR.search(name)}  # noqa: SIM118


def _adapted(network: Any) -> int:
    """How many modules of a network have factors."""
    return sum(1 for module in network.modules() if len(getattr(module, "lora_A", ())) > 0)
