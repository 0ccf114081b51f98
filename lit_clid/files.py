"""Files that appear whole or not at all, and JSON whose faults are named."""

import json
import os
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError


def write_json(path: Path, content: Any) -> None:
    """Write `content` to `path` so that it appears whole or not at all."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """Read a JSON file; a broken one is the user's to mend."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error}); delete it or restore it") from None
