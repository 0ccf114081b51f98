"""A pipeline without weights: every part built from its config on the meta device."""

from typing import Any

import torch

from lit_clid.errors import UserError, first_line
from lit_clid.models.families import Family
from lit_clid.models.load import check_target, locate, read_index
from lit_clid.models.quiet import quiet_imports


def hollow(path: str) -> tuple[Family, Any]:
    """The family and the pipeline of a folder or hub id; no weights are read.

    Raises:
        UserError: as `check_target`, or for a config that makes no part.
    """
    family, where = check_target(path), locate(path)
    index = read_index(where)
    parts = {name: _part(path, where, name, index.get(name)) for name in family.parts}
    with quiet_imports():
        import diffusers

        made = getattr(diffusers, family.pipeline)(**parts, **family.loading)
    return family, made


def _part(path: str, where: str, name: str, told: Any) -> Any:
    """A part: a network of meta tensors, or a tokenizer or scheduler as it is."""
    if not told or told[1] is None:
        return None
    library, kind = map(str, told)
    with quiet_imports():
        import diffusers
        import transformers

        places = {"diffusers": diffusers, "transformers": transformers}
        home = places.get(library) or getattr(diffusers.pipelines, library)
        try:
            found = getattr(home, kind)
            if name == "scheduler" or name.startswith("tokenizer"):
                return found.from_pretrained(where, subfolder=name)
            with torch.device("meta"):
                if library == "diffusers":
                    return found.from_config(found.load_config(where, subfolder=name))
                return found(found.config_class.from_pretrained(where, subfolder=name))
        except Exception as error:  # both libraries, tokenizers and the hub raise their own
            raise UserError(
                f"{path}: the part {name} is not to be built from its config "
                f"({first_line(error)}); export the pipeline again"
            ) from None
