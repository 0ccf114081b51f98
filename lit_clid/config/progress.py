"""What is seen of a phase while it runs: one bar on a terminal, a line now and then in a log."""

import sys
from time import monotonic
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar
from tqdm import tqdm

from lit_clid import console

FIRST, PAUSE = 10.0, 60.0
"""Seconds before the first line of a log, and between two."""


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

    def show(self, figure: str) -> None:
        """Show a figure of the answers so far."""
        if not self.is_disabled:
            self.predict_progress_bar.set_postfix_str(figure)

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


class PhaseLines(ProgressBar):
    """The same for a log: a line after `FIRST` seconds, then one every `PAUSE` seconds, and one at
    the end of a phase that had any.
    """

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase, self.figure, self._enabled = phase, "", True
        self._begun = self._next = 0.0
        self._from, self._told = 0, False

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def show(self, figure: str) -> None:
        """Show a figure of the answers so far, in the lines to come."""
        self.figure = figure

    def on_train_start(self, trainer: L.Trainer, *_: Any) -> None:
        self._begin(trainer.global_step)

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._tell(trainer.global_step, trainer.max_steps, "steps")

    def on_train_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._end(trainer.global_step, trainer.max_steps, "steps")

    def on_predict_start(self, *_: Any) -> None:
        self._begin(0)

    def on_predict_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, index: int,
        *_: Any,
    ) -> None:  # fmt: skip
        self._tell(index + 1, int(sum(trainer.num_predict_batches)), "batches")

    def on_predict_end(self, trainer: L.Trainer, *_: Any) -> None:
        every = int(sum(trainer.num_predict_batches))
        self._end(every, every, "batches")

    def _begin(self, done: int) -> None:
        self._begun = monotonic()
        self._next, self._from, self._told = self._begun + FIRST, done, False

    def _tell(self, done: int, every: int, what: str) -> None:
        now = monotonic()
        if now < self._next or done >= every or not self._enabled:
            return
        self._next, self._told = now + PAUSE, True
        spent, here = now - self._begun, done - self._from
        left = f", about {console.span((every - done) * spent / here)} left" if here else ""
        self._say(f"{done:,} of {every:,} {what}{left}")

    def _end(self, done: int, every: int, what: str) -> None:
        if self._told and self._enabled:
            self._say(f"{done:,} of {every:,} {what} in {console.span(monotonic() - self._begun)}")

    def _say(self, words: str) -> None:
        console.say(f"{self.phase}: {words}{f', {self.figure}' if self.figure else ''}")


def progress(phase: str, every: int) -> PhaseBar | PhaseLines:
    """The bar of a phase, which moves every so many batches; lines where there is no terminal and
    no notebook.
    """
    drawn = _in_a_notebook() or (sys.stdout is not None and sys.stdout.isatty())
    return PhaseBar(phase, every) if drawn else PhaseLines(phase)


def _in_a_notebook() -> bool:
    """Whether a notebook's kernel runs this, not only loaded what kernels are made of."""
    found: Any = sys.modules.get("IPython")
    return getattr(found and found.get_ipython(), "kernel", None) is not None
