"""Weights quantised by torchao or bitsandbytes, which no cast may touch."""

from typing import Any


def is_quantised(part: Any) -> bool:
    """True for a network whose config says how its weights were quantised."""
    config = getattr(part, "config", None)
    return getattr(config, "quantization_config", None) is not None
