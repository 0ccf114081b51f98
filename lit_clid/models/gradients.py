"""Gradients of each record's own loss by each parameter tensor, reduced to norms.

A batch needs one forward and one backward pass: a layer's gradient for row n follows from the row's
input a and the gradient g at its output, for a linear layer Σ_l g_l·a_lᵀ (Goodfellow 2015,
"Efficient per-example gradient computations"). The gradients of one layer are the most that is ever
held. Rows are ordered record by record.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lit_clid.errors import UserError, few

BLOCK = 2**27
"""Most numbers of per-row gradients, or of what a kernel sees, in memory at once (512 MiB in
float32).

One record's rows are never parted for it.
"""


@dataclass(frozen=True)
class GradientNorms:
    """Norms per parameter tensor in float32.

    Args:
        each: (B, T, P) norms of the gradient of each of the T losses of a record.
        mean: (B, P) norms of the gradient of their mean.
    """

    each: Tensor
    mean: Tensor


def _linear(module: nn.Linear, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    a, g = (
        a.flatten(1, -2) if a.dim() > 2 else a[:, None],
        g.flatten(1, -2) if g.dim() > 2 else g[:, None],
    )
    yield "weight", g.transpose(1, 2) @ a
    yield "bias", g.sum(1)


def _conv2d(module: nn.Conv2d, a: Tensor, g: Tensor) -> Iterator[tuple[str, Tensor]]:
    patches, g = _patches(module, a).unflatten(1, (module.groups, -1)), g.flatten(2)
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
    inner = range(1, a.dim() - len(module.normalized_shape))
    yield "weight", (g * normal).sum(tuple(inner)) if inner else g * normal
    yield "bias", g.sum(tuple(inner)) if inner else g


LAYERS: dict[type[nn.Module], Callable[[Any, Tensor, Tensor], Iterator[tuple[str, Tensor]]]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv2d,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
}
"""Layer → its parameters' gradients (N, …) from the rows' inputs and output gradients, both (N,
…) float32.
"""


def unreachable(network: nn.Module) -> list[str]:
    """Parameters without gradients per record: of other layers, of odd padding, or quantised."""
    plain: set[int] = set()
    for _, layer, names in _layers(network):
        if _is_plain(layer):
            plain |= {id(getattr(layer, name)) for name in names}
    return [
        name
        for name, p in network.named_parameters()
        if id(p) not in plain or not p.is_floating_point() or type(p.data) is not Tensor
    ]


def _is_plain(module: nn.Module) -> bool:
    return not isinstance(module, nn.Conv2d) or (
        module.padding_mode == "zeros" and not isinstance(module.padding, str)
    )


def parameter_names(network: nn.Module) -> tuple[str, ...]:
    """The P parameter tensors in the order of the norms."""
    return tuple(f"{prefix}{name}" for prefix, _, names in _layers(network) for name in names)


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module, list[str]]]:
    """(prefix, layer, names of its parameters) of every layer that has any."""
    for path, module in network.named_modules():
        names = [name for name, _ in module.named_parameters(recurse=False)]
        if names and type(module) in LAYERS:
            yield f"{path}." if path else "", module, names


Sums = dict[str, Tensor]
"""Gradients of a record's losses so far, summed, by parameter."""


def gradient_norms(
    network: nn.Module, losses: Callable[[], Tensor], steps: int, sums: Sums | None = None
) -> GradientNorms:
    """Norms of the gradients of the losses of B records, T of each.

    The network must not mix rows (no batch norm) and be in evaluation mode; its parameters need not
    require gradients.

    Args:
        steps: T, losses per record; rows are ordered record by record.
        sums: given where one record's losses come in several calls: their gradients are added to
            it.
    """
    found: dict[str, tuple[Tensor, Tensor]] = {}
    layers = list(_layers(network))
    hooks = [
        m.register_forward_hook(_watch(prefix, names, steps, found, sums))
        for prefix, m, names in layers
    ]
    try:
        with torch.enable_grad():
            losses().sum().backward()
    finally:
        for hook in hooks:
            hook.remove()
    parameters = [prefix + name for prefix, _, names in layers for name in names]
    unused = [name for name in parameters if name not in found]
    if unused:
        raise UserError(
            f"gradients: {few(unused, 2)} take no part in the network's answer; leave gsa1 and "
            "gsa2 out"
        )
    each, mean = zip(*(found[name] for name in parameters), strict=True)
    return GradientNorms(torch.stack(each, -1), torch.stack(mean, -1))


def gradient_norms_in_parts(
    network: nn.Module, parts: Iterable[tuple[int, Callable[[], Tensor]]]
) -> GradientNorms:
    """The same for one record (B = 1) whose losses come in parts, for little memory.

    Args:
        network: as above.
        parts: (rows, the losses (rows,)) of each part.
    """
    sums: Sums = {}
    found = [(rows, gradient_norms(network, losses, rows, sums)) for rows, losses in parts]
    total = sum(rows for rows, _ in found)
    mean = torch.stack([sums[name].norm() / total for name in parameter_names(network)])[None]
    return GradientNorms(torch.cat([norms.each for _, norms in found], dim=1), mean)


def _watch(
    prefix: str,
    names: list[str],
    steps: int,
    found: dict[str, tuple[Tensor, Tensor]],
    sums: Sums | None,
) -> Callable[..., Tensor]:
    """A forward hook that leaves the norms of one layer's gradients in `found`."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        a = inputs[0].detach()
        if not output.requires_grad:  # nothing before this layer requires a gradient; it does
            output = output.detach().requires_grad_()

        def reduce(g: Tensor) -> None:
            assert prefix + names[0] not in found, f"{prefix} runs twice"
            with torch.no_grad():
                found.update(_norms(module, prefix, names, a, g, steps, sums))

        output.register_hook(reduce)
        return output

    return hook


def _norms(
    module: nn.Module,
    prefix: str,
    names: list[str],
    a: Tensor,
    g: Tensor,
    steps: int,
    sums: Sums | None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Norms (B, T) of each row's gradient and (B,) of their mean, by parameter.

    As many records are held at once as `BLOCK` allows.
    """
    largest = max(prod(getattr(module, name).shape) for name in names)
    seen = a[0].numel() * (prod(module.kernel_size) if isinstance(module, nn.Conv2d) else 1)
    rows = steps * max(1, BLOCK // (max(largest, seen) * steps))
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
    for a_part, g_part in zip(a.split(rows), g.split(rows), strict=True):
        for name, gradient in LAYERS[type(module)](module, a_part.float(), g_part.float()):
            if name in parts:
                per_row = gradient.flatten(1).unflatten(0, (-1, steps))
                parts[name].append((per_row.norm(dim=2), per_row.mean(1).norm(dim=1)))
                if sums is not None:
                    total = per_row.sum((0, 1))
                    sums[prefix + name] = (
                        total + sums[prefix + name] if prefix + name in sums else total
                    )
    return {
        prefix + name: tuple(map(torch.cat, zip(*pairs, strict=True)))  # type: ignore[misc]
        for name, pairs in parts.items()
    }
