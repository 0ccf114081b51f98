"""Single files of whole pipelines (safetensors): what they are like, by the names in them."""

from functools import lru_cache
from pathlib import Path

import torch

from lit_clid.errors import UserError
from lit_clid.hub import PICKLED
from lit_clid.models.factors import NAME
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.weights import header


def check_single(file: Path) -> None:
    """Refuse what is no file of a whole pipeline's weights, before it is read.

    Raises:
        UserError: for a pickle, and a file that is missing, truncated, or of a LoRA.
    """
    if file.suffix in PICKLED:
        raise UserError(
            f"{file}: is pickled, and reading it could run anything; get it as .safetensors"
        )
    if not file.is_file():
        raise UserError(f"{file}: no such file; check the spelling")
    names = [name for name in header(file) if name != "__metadata__"]
    if all(NAME.fullmatch(name) for name in names):
        raise UserError(
            f"{file}: is a LoRA; name it with target.lora, and its base with target.path"
        )


@lru_cache(maxsize=8)
def guessed_config(file: Path) -> str:
    """The hub id of the released pipeline that a file is like, as diffusers tells them apart."""
    told = header(file)
    told.pop("__metadata__", None)
    try:
        tensors = {name: torch.empty(each["shape"], device="meta") for name, each in told.items()}
    except (KeyError, TypeError, RuntimeError):
        raise UserError(f"{file}: tells no shapes of its tensors; fetch it again") from None
    with quiet_imports():
        from diffusers.loaders.single_file_utils import fetch_diffusers_config

        return str(fetch_diffusers_config(tensors)["pretrained_model_name_or_path"])
