"""Variants in which a folder holds its weights, such as the fp16 of `model.fp16.safetensors`."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch

from lit_clid.errors import UserError, few
from lit_clid.models.weights import header

NAME = re.compile(
    r"(?:diffusion_pytorch_model|model|pytorch_model)(?:-\d+-of-\d+)?"
    r"(?:\.(?P<variant>\w+))?(?:-\d+-of-\d+)?\.safetensors"
)
HALF = {"BF16": torch.bfloat16, "F16": torch.float16}
"""As safetensors name them."""


def only_variant(folder: Path, parts: Sequence[str]) -> str | None:
    """The variant to load from a folder: None where every part has plain weights, else the one
    that the parts without plain weights have.

    Args:
        folder: of a pipeline.
        parts: names of its sub-folders.

    Raises:
        UserError: if such parts have several.
    """
    found: set[str] = set()
    for part in parts:
        names = [NAME.fullmatch(file.name) for file in (folder / part).glob("*.safetensors")]
        variants = {name["variant"] for name in names if name is not None}
        if variants and None not in variants:
            found |= variants
    if len(found) > 1:
        raise UserError(
            f"{folder}: holds no plain weights but the variants {few(sorted(found))}; choose one "
            "with target.variant (for training) or audit.variant (for the models of an audit)"
        )
    return next(iter(found), None)


def half_precision(folder: Path, variant: str | None) -> torch.dtype | None:
    """The half precision in which all weights of a part lie in its folder; None for any other.

    Args:
        folder: of the part.
        variant: of the weights.
    """
    names: set[str] = set()
    for file in folder.glob("*.safetensors"):
        named = NAME.fullmatch(file.name)
        if named is not None and named["variant"] == variant:
            told = header(file).items()
            names |= {str(tensor["dtype"]) for name, tensor in told if name != "__metadata__"}
    return HALF.get(names.pop()) if len(names) == 1 else None
