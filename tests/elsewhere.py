"""Another device than the CPU, on machines that have none: tensors without values, and no
operation that takes some from there and some from here.

What a device would only tell after a wait (whether a mask hides anything, how long a text is) is
answered as if nothing were hidden.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ELSEWHERE = torch.device("meta")
CROSSING = ("aten::_to_copy", "aten::copy_", "aten::index", "aten::index_put_")
"""Operations that may take tensors from two devices: copies, and indices from the CPU."""


class OneDevice(TorchDispatchMode):
    """Refuses tensors of two devices in one operation; one number alone may come from the CPU."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func._schema.name
        if name == "aten::_local_scalar_dense" and args[0].is_meta:
            return True if args[0].dtype == torch.bool else 1
        if name not in CROSSING:
            given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
            places = {x.device.type for x in given if x.dim()}
            if len(places) > 1:
                raise RuntimeError(f"{func}: tensors on {' and '.join(sorted(places))}")
        return func(*args, **(kwargs or {}))


class NothingHidden(TorchFunctionMode):
    """Masks show everything: what they choose is all, and as long as they are."""

    length = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        first = args[0] if args else None
        if isinstance(first, Tensor) and first.is_meta:
            if func is Tensor.sum and not first.is_floating_point():
                self.length = first.shape[-1]
            if func is Tensor.tolist:
                return [self.length] * first.numel()
            if func is Tensor.__getitem__ and _is_mask(args[1]):
                return first.flatten(0, args[1].dim() - 1)
        return func(*args, **(kwargs or {}))


def _is_mask(index: object) -> bool:
    return isinstance(index, Tensor) and index.is_meta and index.dtype == torch.bool


@contextmanager
def elsewhere() -> Iterator[None]:
    """Within this, whatever leaves a tensor on the CPU fails where it meets the others."""
    with OneDevice(), NothingHidden():
        yield
