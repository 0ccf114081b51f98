"""What an audit shows while it runs: the AUROC of one signal, on the progress bar.

It is exact: every process keeps the signal of the records that it asked, the first one that of the
records asked before. They are brought together once, when all have been asked.
"""

import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torchmetrics.classification import BinaryAUROC
from torchmetrics.utilities import dim_zero_cat

from lit_clid.auditing.shards import known_of
from lit_clid.config.progress import PhaseBar, PhaseLines

GROWTH = 1.1
"""Factor by which records grow between two looks, so that all looks together cost a few sorts."""
Answered = tuple[dict[str, Tensor], Tensor]
"""Columns (B,) of the records of a batch, and what `data.records.SAID` says of them (B,)."""


class SignalAuroc(BinaryAUROC):
    """AUROC of a signal of any range, which torchmetrics would squash into [0, 1] and so tie.

    A rank without records takes part; with records of one kind it is NaN.
    """

    def __init__(self) -> None:
        super().__init__(thresholds=None, validate_args=False, sync_on_compute=False)

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Take signals (B,), larger = more member-like, and 1 for members, 0 for others (B,)."""
        self.preds.append(preds.to(self.device, torch.float64))
        self.target.append(target.to(self.device, torch.int64))

    def compute(self) -> Tensor:  # type: ignore[override]
        kinds = dim_zero_cat(self.target)
        if not 0 < int(kinds.sum()) < len(kinds):
            return torch.tensor(float("nan"))
        return super().compute()


class ShownAuroc(Callback):
    """Keep the AUROC of one column, and show it.

    Args:
        column: of the signals.
        shards: where the answers of an earlier run lie.
    """

    def __init__(self, column: str, shards: Path) -> None:
        self.column, self.shards = column, shards
        self.metric = SignalAuroc()
        self.found = float("nan")
        self._seen, self._next = 0, 1.0

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        place = pl_module.device
        self.metric.to("cpu" if place.type == "mps" else place)  # which has no float64
        if trainer.is_global_zero:
            values, member = known_of(self.shards, self.column)
            self._take(torch.from_numpy(values), torch.from_numpy(member))

    def on_predict_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        if outputs is not None:
            columns, said = outputs
            known = said >= 0
            self._take(columns[self.column][known], said[known])
        if self._seen >= self._next:
            self._next = GROWTH * self._seen
            self._show(trainer)

    def on_predict_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._take(torch.zeros(0), torch.zeros(0))  # no rank is without a state
        with self.metric.sync_context():
            self._show(trainer)

    def _take(self, values: Tensor, member: Tensor) -> None:
        self.metric.update(values, member)
        self._seen += len(values)

    def _show(self, trainer: L.Trainer) -> None:
        with warnings.catch_warnings():  # torchmetrics tells of memory that a state takes
            warnings.simplefilter("ignore")
            self.found = float(self.metric.compute())
        bar = trainer.progress_bar_callback
        if isinstance(bar, PhaseBar | PhaseLines) and self.found == self.found:
            bar.show(f"AUROC {self.column} {self.found:.4f}")
