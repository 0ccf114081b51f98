"""Which captions are one caption to a model, found with its tokenizers alone."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from lit_clid.errors import UserError, first_line
from lit_clid.models.load import check_target, locate, read_index
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.text import Text


def caption_keys(path: str, captions: Sequence[str]) -> list[str]:
    """A key for each caption; equal ones are the same tokens under every tokenizer of a pipeline.

    Case, spaces, the composition of accents and what lies beyond a tokenizer's length make two
    captions only where they reach the text encoders. No weights are loaded.

    Args:
        path: of the pipeline, as `load_target` takes it.
        captions: any number.

    Raises:
        UserError: as `check_target`, or if a tokenizer does not load.
    """
    return load_text(path).keys(captions)


def load_text(path: str) -> Text:
    """The family's text with its tokenizers, which cannot encode: its encoders are configs only.

    Raises:
        UserError: as `caption_keys`.
    """
    family, where = check_target(path), locate(path)
    index = read_index(where)
    parts: dict[str, Any] = {}
    for name in family.parts:
        if name.startswith(("tokenizer", "text_encoder")):
            parts[name] = _light(path, where, name, (index.get(name) or (None, None))[1])
    return family.text(SimpleNamespace(**parts))


def _light(path: str, where: str, name: str, kind: str | None) -> Any:
    """A tokenizer, or a stand-in for an encoder that has its config; None for an absent part."""
    if kind is None:
        return None
    with quiet_imports():
        import transformers

        try:
            found: Any = getattr(transformers, kind)
            if name.startswith("tokenizer"):
                return found.from_pretrained(where, subfolder=name)
            config = found.config_class.from_pretrained(where, subfolder=name)
        except Exception as error:  # tokenizers and the hub library raise their own
            raise UserError(
                f"{path}: the part {name} does not load ({first_line(error)}); export the pipeline "
                "again"
            ) from None
    return SimpleNamespace(config=config)
