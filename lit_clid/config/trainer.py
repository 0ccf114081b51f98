"""Lightning's Trainer with what is seen of a phase, and the user's mistakes in `trainer:` as
one line.
"""

import logging
import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy

from lit_clid import console
from lit_clid.config.progress import progress
from lit_clid.errors import UserError

FSDP = "fsdp"
"""How a configuration says that processes share a model in training."""
SHARDING = ("fsdp", "deepspeed", "model_parallel")
"""How Lightning calls strategies that split a model, its gradients or its optimiser. Training
builds its own for `fsdp`.
"""
LAUNCHER = logging.getLogger("lightning.fabric.strategies.launchers.subprocess_script")
"""Where Lightning tells, before it kills a run, which of its processes ended."""


class LastWords(logging.Handler):
    """Names the process whose end is the end of all, which Lightning keeps to itself."""

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.getMessage().partition(" Forcefully")[0]
        print(f"\nerror: {cause} {console.INTERRUPTED}", file=sys.stderr, flush=True)


def make_trainer(
    options: Mapping[str, Any],
    phase: str,
    *callbacks: Callback,
    every: int = 1,
    patience: timedelta = timedelta(minutes=30),
) -> L.Trainer:
    """Build a Trainer from plain options, with a bar called `phase` that moves every so many
    batches.

    `enable_progress_bar: false` leaves the bar out.

    Args:
        patience: how long a process waits for another that is at work; a launcher ends all of them
            where one is lost.

    Raises:
        UserError: if Lightning refuses the options (no such accelerator, devices, precision, …).
    """
    _quiet()
    _refuse_sharding(str(options.get("strategy")))
    bar = [progress(phase, every)] if options.get("enable_progress_bar", True) else []
    try:
        trainer = L.Trainer(**options, callbacks=[*bar, *callbacks])
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"trainer: {' '.join(str(error).split())[:300]}") from None
    if isinstance(trainer.strategy, DDPStrategy):  # of whichever name, and the one of several cards
        trainer.strategy._timeout = patience
    return trainer


def _refuse_sharding(strategy: str) -> None:
    """Refuse strategies that split weights, gradients or optimisers over processes."""
    if strategy.startswith(SHARDING):
        raise UserError(
            f"trainer.strategy: {strategy} is not one of those that share a model among processes "
            "here; take fsdp to train what does not fit, or ddp with finetune.train=lora, "
            "finetune.gradient_checkpointing=true, trainer.precision=bf16-mixed or target.offload"
        )


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
