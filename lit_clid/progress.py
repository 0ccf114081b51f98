"""One progress bar per long phase, with rate and remaining time."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import TQDMProgressBar
from tqdm import tqdm


class PhaseBar(TQDMProgressBar):
    """One bar for a whole phase: rate, remaining time, and nothing of epochs or versions."""

    def __init__(self, phase: str) -> None:
        super().__init__(refresh_rate=10, leave=True)
        self.phase = phase

    @property
    def train_description(self) -> str:
        return self.phase

    @property
    def predict_description(self) -> str:
        return self.phase

    def init_validation_tqdm(self) -> Any:
        return tqdm(disable=True)

    def init_sanity_tqdm(self) -> Any:
        return tqdm(disable=True)

    def get_metrics(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        return {name: f"{value:.4f}" for name, value in metrics.items() if isinstance(value, float)}

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description(self.phase)

    def on_predict_batch_start(self, *arguments: Any, **named: Any) -> None:
        super().on_predict_batch_start(*arguments, **named)
        self.predict_progress_bar.set_description(self.phase)
