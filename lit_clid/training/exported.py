"""The trained model as a diffusers folder, with a note of how it was made."""

import shutil
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import lightning as L

from lit_clid.about import Facts, ModelNote, Stopping
from lit_clid.errors import UserError
from lit_clid.files import read_json, write_json
from lit_clid.models.lora import folded, write_factors
from lit_clid.models.note import NOTE
from lit_clid.models.weights import commits, hashes, locate
from lit_clid.provenance import provenance, refuse_changes
from lit_clid.training.callbacks import ResumePoint
from lit_clid.training.kept import Kept
from lit_clid.training.module import FineTune

LORA = "lora"
"""Folder of LoRA factors in the exported pipeline's."""


def finished_model(folder: Path, facts: Facts) -> bool:
    """True if `folder` holds the model that `facts` would train.

    Raises:
        UserError: if it holds another one.
    """
    if not folder.exists():
        return False
    file = folder / NOTE
    if not file.is_file():
        raise UserError(
            f"{folder}: exists and was not written by lit-clid train; use another name=… or "
            "delete it"
        )
    note = ModelNote.from_json(read_json(file), str(file))
    refuse_changes(note.facts.as_json(), facts.as_json(), str(folder))
    return True


def finish(module: FineTune, trainer: L.Trainer, folder: Path, config: dict[str, Any]) -> None:
    """Write the model at the end of training: averaged, or what a stopping defense kept.

    A signal to stop that came in the last step is heard once it is written.

    Raises:
        UserError: if training stopped for no reason of its own.
    """
    kept = next((c for c in trainer.callbacks if isinstance(c, Kept)), None)  # type: ignore[attr-defined]
    stopped = kept is not None and trainer.should_stop
    if trainer.global_step < trainer.max_steps and not stopped:
        raise UserError(
            f"training stopped at step {trainer.global_step} of {trainer.max_steps}; run the "
            "command again"
        )
    ending = None if kept is None else kept.restore(module, trainer)
    write_model(module, trainer, folder, config, ending)
    trainer.strategy.barrier()  # the others may look for the folder next
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, ResumePoint):
            callback.stop_if_told()


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and isfinite(loss) else None


def _lasting(source: str) -> str:
    """A folder wherever the working directory is, or a hub id as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source


def write_model(
    module: FineTune,
    trainer: L.Trainer,
    folder: Path,
    config: dict[str, Any],
    ending: Stopping | None = None,
) -> None:
    """Write the model as it is, LoRA folded in, and its note, from the first process only; all
    processes come here.

    Args:
        ending: how a stopping defense ended training.
    """
    with module.complete():
        if trainer.is_global_zero:
            _write(module, trainer, folder, config, ending)


def _write(
    module: FineTune,
    trainer: L.Trainer,
    folder: Path,
    config: dict[str, Any],
    ending: Stopping | None,
) -> None:
    if folder.exists():
        if not (module.defenses.dp and module.defenses.dp.secret):
            return
        shutil.rmtree(folder)  # of a resumed run whose secret noise was another
    folder.parent.mkdir(parents=True, exist_ok=True)
    module.refuse_diverged(trainer.global_step)
    steps, logged = trainer.global_step, trainer.callback_metrics
    last = float(logged["val_loss"]) if "val_loss" in logged else None
    made_of = module.target.made_of
    source = module.target.source if made_of is None else locate(made_of.named)
    note = ModelNote(
        facts=module.facts,
        base=_lasting(source),
        files=hashes(made_of) if made_of else None,
        commits=(commits(made_of) or None) if made_of else None,
        steps=steps if ending is None else ending.exported_from,
        val_loss=_finite(last if ending is None else ending.val_loss),
        stopping=None if ending is None else replace(ending, val_loss=_finite(ending.val_loss)),
        privacy=None if module.privacy is None else module.privacy.spent(steps),
        made=provenance(str(module.target.device)),
        config=config,
    )
    lora = module.options.train == "lora"

    def annotate(part: Path) -> None:
        write_json(part / NOTE, note.as_json())
        if lora:
            write_factors(module.target, part / LORA)

    with folded(module.target):
        module.target.export(folder, annotate)
