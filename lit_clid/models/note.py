"""The note beside an exported model: how it was made."""

from pathlib import Path
from typing import Any

from lit_clid.files import read_json
from lit_clid.models.load import locate

NOTE = "lit_clid.json"
"""File in an exported model's folder that says how train.py made it."""


def read_note(model: str) -> dict[str, Any]:
    """What train.py wrote beside the model it exported; empty for a model from elsewhere."""
    note = Path(locate(model)) / NOTE
    return dict(read_json(note)) if note.is_file() else {}
