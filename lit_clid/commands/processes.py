"""What the processes of one command tell each other."""

from typing import Any


def shared(value: Any) -> Any:
    """The first process's value on every process; each its own where they do not talk."""
    import torch

    values = [value]
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(values)
    return values[0]
