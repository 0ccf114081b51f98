"""What the processes of one command tell each other."""

from typing import Any


def talk() -> bool:
    """Whether processes of this command can tell each other anything, which they can once one of
    Lightning's trainers has been at work.
    """
    import torch

    return torch.distributed.is_available() and torch.distributed.is_initialized()


def shared(value: Any) -> Any:
    """The first process's value on every process; each its own where they do not talk."""
    import torch

    values = [value]
    if talk():
        torch.distributed.broadcast_object_list(values)
    return values[0]
