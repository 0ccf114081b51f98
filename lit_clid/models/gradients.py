"""Gradients of each record's own loss by each parameter tensor, reduced to norms.

A batch needs one forward and one backward pass: a layer's gradient for row n follows from the row's
input a and the gradient g at its output, for a linear layer Σ_l g_l·a_lᵀ (Goodfellow 2015,
"Efficient per-example gradient computations"). The gradients of one layer are the most that is ever
held. Rows are ordered record by record.

Tables and tokens that a network adds somewhere, which are no layer's, are left out; the gradient of
a layer that decides no answer is zero.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lit_clid.models.layers import rules

BLOCK = 2**27
"""Most numbers of per-row gradients, or of what a kernel sees, held at once (512 MiB in float32).

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


class RowsMixedError(Exception):
    """A layer is shown the rows of a call joined together; asked row by row they are apart."""


def unreachable(network: nn.Module) -> list[str]:
    """Parameters without gradients per record: of other layers, of odd padding, or quantised."""
    reached: set[int] = set()
    for _, module, names in _layers(network):
        if _is_plain(module):
            reached |= {id(getattr(module, name)) for name in names}
    for module in network.modules():
        if any(module.children()):
            reached |= {id(p) for _, p in module.named_parameters(recurse=False)}
    return [
        name
        for name, p in network.named_parameters()
        if id(p) not in reached or not p.is_floating_point() or type(p.data) is not Tensor
    ]


def _is_plain(module: nn.Module) -> bool:
    if not isinstance(module, nn.Conv2d):
        return True
    return module.padding_mode == "zeros" and not isinstance(module.padding, str)


def parameter_names(network: nn.Module) -> tuple[str, ...]:
    """The P parameter tensors in the order of the norms."""
    return tuple(f"{prefix}{name}" for prefix, _, names in _layers(network) for name in names)


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module, list[str]]]:
    """(prefix, layer, names of its parameters) of every layer that has any."""
    for path, module in network.named_modules():
        names = [name for name, _ in module.named_parameters(recurse=False)]
        if names and type(module) in rules():
            yield f"{path}." if path else "", module, names


Sums = dict[str, Tensor]
"""Gradients of one record's losses so far, summed, by parameter."""


def gradient_norms(
    network: nn.Module,
    losses: Callable[[], Tensor],
    rows: int,
    steps: int,
    sums: Sums | None = None,
) -> GradientNorms:
    """Norms of the gradients of the losses of B records, T of each.

    Args:
        network: in evaluation mode; it must not mix rows (no batch norm), and its parameters need
            not require gradients.
        losses: computes the losses (B·T,), ordered record by record, by calling `network` once on
            B·T rows.
        rows: B·T.
        steps: T.
        sums: given where one record's losses come in several calls: the gradients are added to it.

    Raises:
        RowsMixedError: if a layer does not see a row's input by itself, and there are several.
    """
    found: dict[str, tuple[Tensor, Tensor]] = {}
    hooks: list[RemovableHandle] = []
    for prefix, module, names in _layers(network):
        hook = _watch(prefix, names, rows, steps, found, sums)
        hooks.append(module.register_forward_hook(hook))
    try:
        with torch.enable_grad():
            losses().sum().backward()
    finally:
        for handle in hooks:
            handle.remove()
    none = torch.zeros(rows // steps, steps), torch.zeros(rows // steps)
    nothing = tuple(zeros.to(next(network.parameters()).device) for zeros in none)
    each, mean = zip(*(found.get(name, nothing) for name in parameter_names(network)), strict=True)
    return GradientNorms(torch.stack(each, -1), torch.stack(mean, -1))


def gradient_norms_in_parts(
    network: nn.Module, parts: Iterable[tuple[int, Callable[[], Tensor]]]
) -> GradientNorms:
    """The same for one record (B = 1) whose losses come in parts, for little memory.

    Args:
        network: as in `gradient_norms`.
        parts: how many losses (rows) a part has, and what computes them.
    """
    sums: Sums = {}
    each: list[Tensor] = []
    total = 0
    for rows, losses in parts:
        each.append(gradient_norms(network, losses, rows, rows, sums).each)
        total += rows
    norms = torch.cat(each, dim=1)
    none = norms.new_zeros(())
    names = parameter_names(network)
    mean = torch.stack([sums[name].norm() / total if name in sums else none for name in names])
    return GradientNorms(norms, mean[None])


def _watch(
    prefix: str,
    names: list[str],
    rows: int,
    steps: int,
    found: dict[str, tuple[Tensor, Tensor]],
    sums: Sums | None,
) -> Callable[..., Tensor]:
    """A forward hook that leaves the norms of one layer's gradients in `found`.

    Args:
        prefix: of its parameters' names.
        names: of its parameters.
        rows, steps, sums: as in `gradient_norms`.
        found: name → norms (B, T) of each gradient and (B,) of their mean.
    """

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        a, is_joined = inputs[0].detach(), len(output) != rows
        if is_joined and rows > 1:
            raise RowsMixedError(prefix)
        if not output.requires_grad:  # nothing before this layer requires a gradient; it does
            output = output.detach().requires_grad_()

        def reduce(g: Tensor) -> None:
            assert prefix + names[0] not in found, f"{prefix} runs twice"
            with torch.no_grad():
                pair = (a[None], g[None]) if is_joined else (a, g)
                found.update(_norms(module, prefix, names, *pair, steps, sums))

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

    Args:
        a: the rows' inputs (B·T, …).
        g: the gradients (B·T, …) at their outputs.
    """
    largest = max(prod(getattr(module, name).shape) for name in names)
    seen = a[0].numel() * (prod(module.kernel_size) if isinstance(module, nn.Conv2d) else 1)
    rows = steps * max(1, BLOCK // (max(largest, seen) * steps))
    parts: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in names}
    for a_part, g_part in zip(a.split(rows), g.split(rows), strict=True):
        for name, gradient in rules()[type(module)](module, a_part.float(), g_part.float()):
            if name not in parts:
                continue
            per_row = gradient.flatten(1).unflatten(0, (-1, steps))
            parts[name].append((per_row.norm(dim=2), per_row.mean(1).norm(dim=1)))
            if sums is not None:
                total, key = per_row.sum((0, 1)), prefix + name
                sums[key] = total + sums[key] if key in sums else total
    norms: dict[str, tuple[Tensor, Tensor]] = {}
    for name, pairs in parts.items():
        each, mean = zip(*pairs, strict=True)
        norms[prefix + name] = torch.cat(each), torch.cat(mean)
    return norms
