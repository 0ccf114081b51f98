"""Low-rank adaptation of a denoiser (Hu et al. 2022), by peft."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from typing import Any

import torch

from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import generator


def add_lora(network: Any, modules: Sequence[str], rank: int, alpha: float, seed: int) -> None:
    """Freeze nothing, add trainable factors of W + α/rank · B·A to the named modules.

    B is zero; A is drawn as peft draws it, but by (seed, name), so that training can be repeated.
    """
    from peft import LoraConfig

    factors = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(modules))
    network.add_adapter(factors)
    for name, parameter in network.named_parameters():
        if ".lora_A." in name:
            dice = generator(seed, "lora", name)
            torch.nn.init.kaiming_uniform_(parameter, a=sqrt(5), generator=dice)


@contextmanager
def folded(target: PipelineTarget) -> Iterator[None]:
    """Within this, the target's pipeline is an ordinary one: factors folded into a copy."""
    pipeline, name = target.pipeline, target.family.network
    network = getattr(pipeline, name)
    plain = copy.deepcopy(network)
    plain.fuse_lora()
    plain.unload_lora()
    setattr(pipeline, name, plain)
    try:
        yield
    finally:
        setattr(pipeline, name, network)
