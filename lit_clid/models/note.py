"""The note beside an exported model: how it was made."""

from pathlib import Path

from lit_clid.about import ModelNote
from lit_clid.files import read_json
from lit_clid.models.weights import locate
from lit_clid.source import Source, as_source

NOTE = "lit_clid.json"
"""File in an exported model's folder that says how training made it."""


def read_note(model: str | Source) -> ModelNote | None:
    """What training wrote beside the model it exported; None for a model from elsewhere, and for
    one that something was put on.

    Raises:
        UserError: if it holds anything else.
    """
    source = as_source(model)
    if source.parts:
        return None
    note = Path(locate(source.path)) / NOTE
    content = read_json(note) if note.is_file() else {}
    return None if content == {} else ModelNote.from_json(content, str(note))
