"""A parameter that may be dealt out to processes: its whole, and a process's own part of it."""

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """What of a module is trained, by name."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def own_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor, in the same memory; all of a plain one."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor; the processes that share one come here together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def is_fusable(parameter: Tensor) -> bool:
    """Whether a fused optimiser, which walks through memory as it lies, can step it."""
    known = parameter.device.type in ("cpu", "cuda") and not isinstance(parameter, DTensor)
    return known and parameter.is_contiguous()


@torch.no_grad()
def put(tensor: Tensor, value: Tensor) -> None:
    """Give a tensor the values of a whole one."""
    if isinstance(tensor, DTensor):
        value = value.to(tensor.device)
        value = distribute_tensor(value, tensor.device_mesh, tensor.placements)
    tensor.copy_(value)
