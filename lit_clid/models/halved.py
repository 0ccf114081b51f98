"""Frozen weights of a network in training, held in the precision in which autocast multiplies them.

Under autocast every product and convolution rounds its weights first. What no step changes is
rounded once and kept so: the same answers, from half the memory.
"""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Whose weights autocast rounds."""


def to_halve(network: nn.Module) -> Iterator[Parameter]:
    """The frozen weights of products and convolutions that are not in half precision yet."""
    for module in network.modules():
        if isinstance(module, LAYERS):
            for parameter in module.parameters(recurse=False):
                if not parameter.requires_grad and parameter.dtype == torch.float32:
                    yield parameter


class Halved:
    """The frozen weights of a network, rounded in place.

    Those that rounding changed are kept beside it, on the CPU, for the export.

    Args:
        network: on the CPU, what is trained of it wanting gradients.
        dtype: to which it is rounded; None leaves every weight as it is.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype
        self._whole: dict[str, Tensor] = {}
        frozen = set() if dtype is None else {id(p) for p in to_halve(network)}
        self.any = bool(frozen)
        for name, parameter in network.named_parameters():
            if id(parameter) not in frozen:
                continue
            whole = parameter.data
            parameter.data = whole.to(dtype)
            if not torch.equal(parameter.data.float(), whole):
                self._whole[name] = whole

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Within this, a network with halved weights can be asked."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(device.type, self.dtype)

    @contextmanager
    def drawing(self, network: Any, device: torch.device) -> Iterator[None]:
        """Within this, a pipeline of float32 parts can call the network among them."""
        if self.dtype is None:
            yield
            return
        forward = network.forward

        def cast(*given: Any, **named: Any) -> Any:
            with self.autocast(device):
                return forward(*given, **named)

        network.forward = cast
        try:
            yield
        finally:
            del network.forward

    def copied(self, network: nn.Module) -> Any:
        """A copy on the CPU, in float32, as if no weight had been rounded."""
        memo: dict[int, Any] = {}
        for name, parameter in network.named_parameters():
            whole = self._whole.get(name, parameter.detach())
            value = whole.to("cpu", torch.float32, copy=True)
            memo[id(parameter)] = Parameter(value, requires_grad=False)
        return copy.deepcopy(network, memo).to("cpu")
