"""Lightning's Trainer with one progress bar per phase, and the user's mistakes in `trainer:` as
one line.
"""

import logging
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from tqdm import tqdm

from lit_clid import console
from lit_clid.errors import UserError

LAUNCHER = logging.getLogger("lightning.fabric.strategies.launchers.subprocess_script")
"""Where Lightning tells, before it kills a run, which of its processes ended."""


class LastWords(logging.Handler):
    """Names the process whose end is the end of all, which Lightning keeps to itself."""

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.getMessage().partition(" Forcefully")[0]
        print(f"\nerror: {cause} {console.INTERRUPTED}", file=sys.stderr, flush=True)


class PhaseBar(TQDMProgressBar):
    """One bar for a whole phase: rate, remaining time, and nothing of epochs or versions."""

    def __init__(self, phase: str, every: int) -> None:
        super().__init__(refresh_rate=every, leave=True)
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


def make_trainer(
    options: Mapping[str, Any], phase: str, *callbacks: Callback, every: int = 1
) -> L.Trainer:
    """Build a Trainer from plain options, with a bar called `phase` that moves every so many
    batches.

    `enable_progress_bar: false` leaves the bar out.

    Raises:
        UserError: if Lightning refuses the options (no such accelerator, devices, precision, …).
    """
    _quiet()
    bar = [PhaseBar(phase, every)] if options.get("enable_progress_bar", True) else []
    try:
        return L.Trainer(**options, callbacks=[*bar, *callbacks])
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"trainer: {' '.join(str(error).split())[:300]}") from None


def _quiet() -> None:
    """Silence Lightning's tips, and warnings about its own insides or about choices made here on
    purpose.
    """
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "The `srun` command is available.*")
    LAUNCHER.setLevel(logging.INFO)
    LAUNCHER.propagate = False
    if not LAUNCHER.handlers:
        LAUNCHER.addHandler(LastWords())
    warnings.filterwarnings("ignore", ".*predict returned None.*")
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", "GPU available but not used.*")
    warnings.filterwarnings("ignore", ".*Mismatch dtype between input and weight.*")  # autocast's
    warnings.filterwarnings("ignore", ".*isinstance\\(treespec, LeafSpec\\).*")
