"""A Lightning callback that looks at a training and leaves no trace in it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, WeightAveraging
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.utilities.seed import isolate_rng

from lit_clid import console
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.commands.gauge.measure import Measure
from lit_clid.commands.gauge.written import write_curve
from lit_clid.data.module import CaptionedImages
from lit_clid.errors import UserError
from lit_clid.judging.gauge import Reading, first_step, sentence
from lit_clid.models.live import untouched
from lit_clid.models.target import Target
from lit_clid.training.averaging import averaged
from lit_clid.training.preparation import Members

WEIGHTS = ("trained", "averaged")


class Gauge(Callback):
    """Measures at the start, every so many steps and at the end, and keeps the readings.

    It must stand behind a callback that averages weights, and before all that save its state
    (Lightning's own checkpoints always come last).

    Args:
        records: whose members and hold-outs are asked about.
        measure: what is asked.
        every: optimiser steps.
        target: module → the model that it trains.
        weights: that are measured, "trained" or those that Lightning's `WeightAveraging` keeps.
        stem: path of the CSV and the figure without its ending; None is "gauge" in the folder
            where the trainer logs.
    """

    def __init__(
        self,
        records: Members,
        measure: Measure,
        every: int,
        target: Callable[[L.LightningModule], Target],
        weights: str,
        stem: Path | None,
    ) -> None:
        measure.check("MembershipGauge")
        if weights not in WEIGHTS or every < 1:
            raise UserError(
                f"MembershipGauge: every_n_steps = {every}, weights = {weights!r}: at least 1, and "
                f"one of {', '.join(WEIGHTS)}"
            )
        self.records, self.measure, self.every = records, measure, every
        self.weights, self.stem = weights, stem
        self.readings: list[Reading] = []
        self._find, self._seen, self._looked = target, 0, -1
        self._target: Target | None = None
        self._data: CaptionedImages | None = None

    @property
    def first_step(self) -> int | None:
        """The step from which on the model memorises, or None: see `judging.gauge`."""
        return first_step(self.readings)

    @property
    def sentence(self) -> str:
        """The same in words."""
        return sentence(self.readings)

    @property
    def state_key(self) -> str:
        """Readings of other records, or of another attack, are never gone on with."""
        asked = self.measure
        return self._generate_state_key(
            attack=asked.attack,
            probe=asked.probe,
            seed=asked.seed,
            weights=self.weights,
            role=self.records.role,
            records=self.records.split.fingerprint,
        )

    def state_dict(self) -> dict[str, Any]:
        return {"readings": [each.flat for each in self.readings]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.readings = [Reading.of_flat(each) for each in state_dict["readings"]]
        self._looked = self.readings[-1].step if self.readings else -1

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if type(trainer.strategy) not in (SingleDeviceStrategy, DDPStrategy):
            raise UserError(
                "MembershipGauge: the model must lie whole on each device (one device, or DDP), "
                f"but the strategy is {type(trainer.strategy).__name__}"
            )
        if self.weights == "averaged" and self._average(trainer) is None:
            raise UserError(
                "MembershipGauge: weights = 'averaged', but no callback averages them; add "
                "Lightning's WeightAveraging, or measure the trained ones"
            )
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        average = self._average(trainer)
        if self.weights == "averaged" and callbacks.index(average) > callbacks.index(self):
            raise UserError(
                "MembershipGauge: stands before the callback that averages weights and would see "
                "the last step's average; put it behind"
            )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        with isolate_rng(pl_module.device.type == "cuda"):
            self._target = target = self._find(pl_module)
        options, role = self.records.options, self.records.role
        side, seed = target.side(options.resolution), self.measure.seed
        split = self.records.split
        self._data = CaptionedImages(split, options, role, seed=seed, side=side, batch_size=1)
        self.measure.check_target(target, self._data)
        self._seen = trainer.global_step
        if trainer.global_step == 0:
            self.readings, self._looked = [], -1  # of a training before this one
            self._look(trainer, pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        due = step // self.every > self._seen // self.every
        self._seen = step
        if due or (step > 0 and _ends(trainer)):
            self._look(trainer, pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """What another callback ended is measured here, maybe behind the average's hand-over."""
        average = self._average(trainer)
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        handed_over = average is not None and callbacks.index(average) < callbacks.index(self)
        if handed_over and self.weights == "trained" and trainer.global_step > self._looked:
            console.say("gauge: the last step is not measured, its weights are averaged already")
        else:
            self._look(trainer, pl_module, handed_over=handed_over)
        console.say(f"gauge: {self.sentence}")

    def _look(
        self, trainer: L.Trainer, module: L.LightningModule, *, handed_over: bool = False
    ) -> None:
        """Measure, unless this step was.

        Args:
            handed_over: the module has the averaged weights already.
        """
        step = trainer.global_step
        if step <= self._looked:
            return
        self._looked = step
        assert self._target is not None and self._data is not None
        average = self._average(trainer)
        within: AbstractContextManager[None] = nullcontext()
        if self.weights == "averaged" and average is not None and not handed_over:
            within = averaged(average, module)
        called = "averaged" if handed_over else self.weights
        with isolate_rng(self._target.device.type == "cuda"), within, untouched(self._target):
            found = self.measure(self._target, self._data, step, called)
        flat = trainer.strategy.broadcast(None if found is None else found.flat)  # one for all
        if flat is None:
            console.say(f"gauge: no figure at step {step}, the model answers NaN or infinity")
            return
        self.readings.append(Reading.of_flat(flat))
        self._tell(trainer, flat)

    def _tell(self, trainer: L.Trainer, flat: dict[str, Any]) -> None:
        """Log the latest reading, and write them all."""
        logged = ("auroc", "auroc_low", "auroc_high", "heldout_loss", "member_loss")
        for logger in trainer.loggers:
            figures = {f"gauge/{name}": flat[name] for name in logged}
            logger.log_metrics(figures, step=flat["step"])
        stem = self.stem or Path(trainer.log_dir or trainer.default_root_dir) / "gauge"
        if trainer.is_global_zero:
            with isolate_rng(include_cuda=False):
                write_curve(self.readings, stem, ATTACKS[self.measure.attack].title)

    def _average(self, trainer: L.Trainer) -> WeightAveraging | None:
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        return next((each for each in callbacks if isinstance(each, WeightAveraging)), None)


def _ends(trainer: L.Trainer) -> bool:
    """True after the last step, as far as the trainer can tell."""
    if 0 < trainer.max_steps <= trainer.global_step:
        return True
    epochs = trainer.max_epochs
    counted = epochs is not None and 0 < epochs <= trainer.current_epoch + 1
    return counted and trainer.is_last_batch
