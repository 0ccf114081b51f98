"""Modules that someone trains, asked as a target without leaving a trace in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lit_clid.errors import UserError, few
from lit_clid.models.families import KNOWN
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.target import Target, without_tf32


def is_pipeline(found: object) -> bool:
    """True for a pipeline of a known family."""
    return type(found).__name__ in KNOWN


def live_target(pipeline: Any, rows: int) -> PipelineTarget:
    """A pipeline of diffusers, made of modules in training, as a target that lies where they lie.

    Args:
        pipeline: of a known family; its denoiser is asked in the precision that it has.
        rows: most rows in one call of the denoiser.

    Raises:
        UserError: for any other object.
    """
    name = type(pipeline).__name__
    if not is_pipeline(pipeline):
        raise UserError(
            f"MembershipGauge: target gives a {name}; give a pipeline of diffusers "
            f"({few(list(KNOWN))}) made of the modules in training, or a function of the module "
            "that returns one"
        )
    networks = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    with _flags_kept(networks):
        target = PipelineTarget(
            pipeline,
            KNOWN[name],
            f"the {name} in training",
            precision=None,
            channels_last=False,
            compile=False,
            rows=rows,
        )
    target.device = next(target.denoiser.network.parameters()).device
    return target


@contextmanager
def untouched(target: Target) -> Iterator[None]:
    """Within this, a target answers as an audit's does: modules in evaluation mode, no gradients,
    no autocast, no TF32, encoders in float32 and on its device.

    Afterwards modules, tensors and flags are what they were, to the last bit.
    """
    networks = target.networks if isinstance(target, PipelineTarget) else []
    encoders = target.encoders if isinstance(target, PipelineTarget) else []
    kind = target.device.type
    with (
        target.awake(),
        _flags_kept(networks),
        _exact(encoders, target.device),
        _without_tf32(),
        torch.no_grad(),
        torch.autocast(kind, enabled=False),
    ):
        for network in networks:
            network.eval()
        yield


@contextmanager
def _flags_kept(networks: Sequence[Any]) -> Iterator[None]:
    """Modes of the modules, and who wants a gradient, are afterwards what they were."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    wanting = [(p, p.requires_grad) for network in networks for p in network.parameters()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, wants in wanting:
            parameter.requires_grad_(wants)


@contextmanager
def _exact(networks: Sequence[Any], device: torch.device) -> Iterator[None]:
    """Weights in half precision, or elsewhere, are replaced by copies, and then put back."""
    kept: list[tuple[dict[str, Tensor | None], str, Tensor]] = []
    held = (m for network in networks for module in network.modules() for m in _held(module))
    for tensors in list(held):
        for name, tensor in tensors.items():
            if tensor is None:
                continue
            dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
            if (tensor.dtype, tensor.device) != (dtype, device):
                kept.append((tensors, name, tensor))
                # another object: the tensor's own hooks, such as those of DDP, stay with it
                copy = tensor.detach().to(device, dtype)
                is_parameter = isinstance(tensor, torch.nn.Parameter)
                tensors[name] = torch.nn.Parameter(copy, False) if is_parameter else copy
    try:
        yield
    finally:
        for tensors, name, tensor in kept:
            tensors[name] = tensor


def _held(module: Any) -> tuple[dict[str, Tensor | None], dict[str, Tensor | None]]:
    """The dictionaries in which a module keeps its own parameters and buffers."""
    return module._parameters, module._buffers


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Whether cards may use TF32 is afterwards what it was."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    kept = cudnn.allow_tf32, matmul.allow_tf32
    without_tf32()
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = kept
