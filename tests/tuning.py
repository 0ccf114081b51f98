"""Fine-tuning in memory: a small recipe, a run of a few steps, and ways to watch or end it."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from lit_clid.about import Facts
from lit_clid.commands.probe import probe_of
from lit_clid.commands.reading import build_defenses
from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.split import Split
from lit_clid.models.load import load_target
from lit_clid.training.callbacks import WriteModel
from lit_clid.training.defenses import Defenses
from lit_clid.training.kept import Probe
from lit_clid.training.module import FineTune
from lit_clid.training.preparation import Members, prepare
from lit_clid.training.trainer import mixed_precision, resume_from, training_trainer

DATA = DataOptions(source="critters", members=10, nonmembers=6, resolution=64)

FACTS = Facts(seed=0, rest={"finetune.train": "cross_attention"})


class Stop(Callback):
    """Dies in the middle of a step, as a killed process does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise RuntimeError("killed")


class StopAtBatch(Callback):
    """Dies before a batch, in the middle of an accumulated step."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: object, index: int
    ) -> None:
        if index == self.batch:
            raise RuntimeError("killed")


class Seen(Callback):
    """Counts the training batches and the records in them."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: dict[str, Any], _: int
    ) -> None:
        self.batches.append(batch["id"])


def recipe(**changes: Any) -> FineTuneOptions:
    fast = {
        "train": "cross_attention",
        "batch_size": 4,
        "learning_rate": 1e-2,
        "ema_decay": 0.9,
        "samples": 0,
    }
    return FineTuneOptions(**{**fast, "validate_every": 4, "save_every": 2, **changes})


def tune(
    base: Path,
    split: Split,
    folder: Path,
    options: FineTuneOptions,
    steps: int = 6,
    callbacks: tuple[Callback, ...] = (),
    defenses: Defenses | None = None,
    probe: Probe | None = None,
    write: WriteModel | None = None,
    gauge: Callback | None = None,
    **trainer: Any,
) -> tuple[FineTune, L.Trainer, Seen]:
    target = load_target(str(base), channels_last=False)
    defended, members = defenses or Defenses(), DATA.members or 0
    privacy = None if defended.dp is None else defended.dp.plan(members, options.batch_size, steps)
    records = Members(split, DATA, "target")
    seen = Seen()
    wanted = {
        "max_steps": steps,
        "accelerator": "cpu",
        "devices": 1,
        "enable_progress_bar": False,
        **trainer,
    }
    named = {"defenses": defended, "privacy": privacy, "mixed": mixed_precision(wanted)}
    ready = prepare(target, records, options, 0, FACTS, **named)
    asked = {"probe": probe, "write": write, "gauge": gauge}
    built = training_trainer(options, wanted, folder, "target", 0, defended, members, **asked)
    built.callbacks += [seen, *callbacks]
    resumed = resume_from(folder, FACTS)
    built.fit(ready.module, ready.data, ckpt_path=resumed, weights_only=True)
    return ready.module, built, seen


def defended(wanted: Any, probe: Probe | None = None) -> Callable[..., tuple[FineTune, Any, Any]]:
    """`tune`, with defenses and the probe of their privacy budget, or another."""

    def run(*arguments: Any, **named: Any) -> tuple[FineTune, Any, Any]:
        defenses = build_defenses(wanted)
        asked = probe or probe_of(defenses, 0)
        return tune(*arguments, defenses=defenses, probe=asked, **named)

    return run


def validation_losses(folder: Path) -> list[float]:
    rows = csv.DictReader((folder / "csv" / "version_0" / "metrics.csv").read_text().splitlines())
    return [float(row["val_loss"]) for row in rows if row["val_loss"]]


def weights(module: FineTune) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.network.named_parameters()}
