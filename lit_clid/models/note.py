"""The note beside an exported model: how it was made."""

from pathlib import Path

from lit_clid.about import ModelNote
from lit_clid.files import read_json
from lit_clid.models.load import locate

NOTE = "lit_clid.json"
"""File in an exported model's folder that says how training made it."""


def read_note(model: str) -> ModelNote | None:
    """What training wrote beside the model it exported; None for a model from elsewhere.

    Raises:
        UserError: if it holds anything else.
    """
    note = Path(locate(model)) / NOTE
    content = read_json(note) if note.is_file() else {}
    return None if content == {} else ModelNote.from_json(content, str(note))
