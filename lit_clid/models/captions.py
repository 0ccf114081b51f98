"""Which captions are one caption to a model, found with its tokenizers alone."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from lit_clid.errors import UserError, first_line
from lit_clid.models.load import check_target, part_class, place_of, read_index
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.text import Text
from lit_clid.models.tokens import add_tokens
from lit_clid.models.weights import put_on
from lit_clid.source import Source, as_source


def caption_keys(model: str | Source, captions: Sequence[str]) -> list[str]:
    """A key for each caption; equal ones are the same tokens under every tokenizer of a pipeline.

    Case, spaces, the composition of accents and what lies beyond a tokenizer's length make two
    captions only where they reach the text encoders. No weights are loaded.

    Args:
        model: as `load_target` takes it.
        captions: any number.

    Raises:
        UserError: as `check_target`, or if a tokenizer does not load.
    """
    return load_text(model).keys(captions)


def load_text(model: str | Source) -> Text:
    """The family's text with its tokenizers, which cannot encode: its encoders are configs only.

    Raises:
        UserError: as `caption_keys`.
    """
    source = as_source(model)
    family, where = check_target(source), place_of(source)
    index = read_index(where, source.configs_revision)
    parts: dict[str, Any] = {}
    for name in family.parts:
        if name.startswith(("tokenizer", "text_encoder")):
            parts[name] = _light(source, where, name, index.get(name))
    files = put_on(source)
    for name in source.textual_inversion:
        add_tokens(parts, files[name])
    return family.text(SimpleNamespace(**parts))


def _light(source: Source, where: str, name: str, told: Any) -> Any:
    """A tokenizer, or a stand-in for an encoder that has its config; None for an absent part."""
    if not told or told[1] is None:
        return None
    with quiet_imports():
        more = source.fetching
        try:
            found = part_class(*told)
            if name.startswith("tokenizer"):
                return found.from_pretrained(where, subfolder=name, **more)
            config = found.config_class.from_pretrained(where, subfolder=name, **more)
        except Exception as error:  # tokenizers and the hub library raise their own
            raise UserError(
                f"{source.path}: the part {name} does not load ({first_line(error)}); export the "
                "pipeline again"
            ) from None
    return SimpleNamespace(config=config)
