"""The trained model as a diffusers folder, with a note of how it was made."""

from pathlib import Path
from typing import Any

import lightning as L

from lit_clid.errors import UserError
from lit_clid.finetune.module import FineTune
from lit_clid.provenance import provenance, refuse_changes
from lit_clid.scores import NOTE, read_json, write_json


def finished_model(folder: Path, facts: dict[str, Any]) -> bool:
    """True if `folder` holds the model that `facts` would train.

    Raises:
        UserError: if it holds another one.
    """
    if not folder.exists():
        return False
    note = folder / NOTE
    if not note.is_file():
        raise UserError(f"{folder}: exists and was not written by train.py; use another name=… or delete it")
    refuse_changes(read_json(note)["facts"], facts, str(folder))
    return True


def export(module: FineTune, trainer: L.Trainer, folder: Path, config: dict[str, Any]) -> None:
    """Write the model (averaged, LoRA folded in) and its note, from the first process only."""
    if not trainer.is_global_zero:
        return
    if trainer.global_step < trainer.max_steps:
        raise UserError(f"training stopped at step {trainer.global_step} of {trainer.max_steps}; run the command again")
    module.merge_lora()
    note = {
        "facts": module.facts,
        "base": module.target.source,
        "steps": trainer.global_step,
        "val_loss": float(trainer.callback_metrics["val_loss"]) if "val_loss" in trainer.callback_metrics else None,
        **provenance(str(module.target.device)),
        "config": config,
    }
    module.target.export(folder, lambda part: write_json(part / NOTE, note))
