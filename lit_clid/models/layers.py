"""Gradients of one layer's parameters for every row, from its inputs a and the gradients g at its
outputs: for a linear layer Σ_l g_l·a_lᵀ (Goodfellow 2015, "Efficient per-example gradient
computations"), for a normalisation Σ g times what it normalised.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _linear(module: nn.Linear, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    a = a.flatten(1, -2) if a.dim() > 2 else a[:, None]
    g = g.flatten(1, -2) if g.dim() > 2 else g[:, None]
    yield "weight", g.transpose(1, 2) @ a
    yield "bias", g.sum(1)


def _conv2d(module: nn.Conv2d, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    patches = _patches(module, a).unflatten(1, (module.groups, -1))
    g = g.flatten(2)
    yield "weight", g.unflatten(1, (module.groups, -1)) @ patches.transpose(2, 3)
    yield "bias", g.sum(2)


def _patches(module: nn.Conv2d, a: Tensor) -> Tensor:
    """What the kernel sees at each of L places: (N, C·kh·kw, L).

    Strided copies are ten times as fast as `unfold`.
    """
    assert not isinstance(module.padding, str)
    if module.dilation != (1, 1):
        return F.unfold(a, module.kernel_size, module.dilation, module.padding, module.stride)
    (kh, kw), (sh, sw), (ph, pw) = module.kernel_size, module.stride, module.padding
    places = F.pad(a, (pw, pw, ph, ph)).unfold(2, kh, sh).unfold(3, kw, sw)
    return places.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)


def _group_norm(module: nn.GroupNorm, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    normal = F.group_norm(a, module.num_groups, eps=module.eps)
    yield "weight", (g * normal).flatten(2).sum(2)
    yield "bias", g.flatten(2).sum(2)


def _layer_norm(module: nn.LayerNorm, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    normal = F.layer_norm(a, module.normalized_shape, eps=module.eps)
    inner = tuple(range(1, a.dim() - len(module.normalized_shape)))
    yield "weight", (g * normal).sum(inner) if inner else g * normal
    yield "bias", g.sum(inner) if inner else g


def _rms_norm(module: Any, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    normal = a * torch.rsqrt(a.square().mean(-1, keepdim=True) + module.eps)
    inner = tuple(range(1, a.dim() - 1))
    yield "weight", (g * normal).sum(inner) if inner else g * normal
    yield "bias", g.sum(inner) if inner else g


def _torch_rms_norm(module: nn.RMSNorm, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    normal = F.rms_norm(a, module.normalized_shape, eps=module.eps)
    inner = tuple(range(1, a.dim() - len(module.normalized_shape)))
    yield "weight", (g * normal).sum(inner) if inner else g * normal


Rule = Callable[[Any, Tensor, Tensor], Iterator[tuple[str, Tensor]]]


@cache
def rules() -> dict[type[nn.Module], Rule]:
    """Layer → its parameters' gradients (N, …) by name, from a and g (N, …) in float32."""
    from diffusers.models.normalization import RMSNorm

    return {
        nn.Linear: _linear,
        nn.Conv2d: _conv2d,
        nn.GroupNorm: _group_norm,
        nn.LayerNorm: _layer_norm,
        nn.RMSNorm: _torch_rms_norm,
        RMSNorm: _rms_norm,
    }
