"""Weights quantised by torchao or bitsandbytes, which no cast may touch."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def is_quantised(part: Any) -> bool:
    """True for a network whose config says how its weights were quantised."""
    config = getattr(part, "config", None)
    return getattr(config, "quantization_config", None) is not None


def plain_tensors(value: Tensor) -> Iterator[Tensor]:
    """A tensor itself or, of one that torchao quantised, those that it is made of."""
    if not is_traceable_wrapper_subclass(value):
        yield value
        return
    names, _ = value.__tensor_flatten__()
    for name in names:
        yield from plain_tensors(getattr(value, name))
