"""Which models are audited, and whether they belong to this run's split and to each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lit_clid.auditor.options import AuditOptions
from lit_clid.data import ROLES, Split
from lit_clid.errors import UserError
from lit_clid.provenance import refuse_changes
from lit_clid.scores import NOTE, read_json
from lit_clid.targets import check_target, locate


def find_models(folder: Path, options: AuditOptions) -> dict[str, str]:
    """The models to audit by role: those named in `options`, else the run's own; there may be no shadow.

    Raises:
        UserError: if there is no target, a model lacks a part, or target and shadow were made by different recipes.
    """
    models = {}
    for role, named in (("target", options.target), ("shadow", options.shadow)):
        if named is not None:
            models[role] = named
        elif (folder / role / "model_index.json").is_file():
            models[role] = str(folder / role)
    if "target" not in models:
        raise UserError(
            f"{folder / 'target'}: no trained target; run train.py with the same config first, or name a model with "
            "audit.target=FOLDER or a hub id"
        )
    for model in models.values():
        check_target(model)
    notes = {role: read_note(model) for role, model in models.items()}
    if all(notes.get(role) for role in ROLES):
        recipes = [{k: v for k, v in notes[role]["facts"].items() if k != "role"} for role in ROLES]
        refuse_changes(recipes[1], recipes[0], f"shadow {models['shadow']}, compared with target {models['target']}")
    return models


def read_note(model: str) -> dict[str, Any]:
    """What train.py wrote beside the model it exported; empty for a model from elsewhere."""
    note = Path(locate(model)) / NOTE
    return dict(read_json(note)) if note.is_file() else {}


def check_split(models: Mapping[str, str], split: Split) -> None:
    """Refuse models that train.py made on another split, or for another role, than they are audited on."""
    for role, model in models.items():
        split.require(role)
        facts = read_note(model).get("facts")
        if facts:
            made = {"split": facts["split"], "role": facts["role"]}
            refuse_changes(made, {"split": split.fingerprint, "role": role}, model)
