"""A pipeline without weights: every part built from its config on the meta device."""

from typing import Any

import torch

from lit_clid.errors import UserError, first_line
from lit_clid.models.families import Family
from lit_clid.models.load import check_target, part_class, place_of, read_index
from lit_clid.models.quiet import quiet_imports
from lit_clid.source import Source, as_source


def hollow(model: str | Source) -> tuple[Family, Any]:
    """The family and the pipeline of a model; no weights are read, and what is put on it, which
    changes no shape, is left out.

    Raises:
        UserError: as `check_target`, or for a config that makes no part.
    """
    source = as_source(model)
    family, where = check_target(source), place_of(source)
    index = read_index(where, source.configs_revision)
    parts = {name: _part(source, where, name, index.get(name)) for name in family.parts}
    with quiet_imports():
        import diffusers

        made = getattr(diffusers, family.pipeline)(**parts, **family.loading)
    return family, made


def _part(source: Source, where: str, name: str, told: Any) -> Any:
    """A part: a network of meta tensors, or a tokenizer or scheduler as it is."""
    if not told or told[1] is None:
        return None
    library, kind = map(str, told)
    more = source.fetching
    with quiet_imports():
        try:
            found = part_class(library, kind)
            if name == "scheduler" or name.startswith("tokenizer"):
                return found.from_pretrained(where, subfolder=name, **more)
            with torch.device("meta"):
                if library == "diffusers":
                    return found.from_config(found.load_config(where, subfolder=name, **more))
                return found(found.config_class.from_pretrained(where, subfolder=name, **more))
        except Exception as error:  # both libraries, tokenizers and the hub raise their own
            raise UserError(
                f"{source.path}: the part {name} is not to be built from its config "
                f"({first_line(error)}); export the pipeline again"
            ) from None
