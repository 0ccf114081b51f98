"""Averages of the weights, which are validated and exported in place of the last weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from lit_clid.config.options.training import FineTuneOptions


class Averaging(WeightAveraging, ABC):
    """Lightning's weight averaging over optimiser steps only, and a way to look at the average
    on the way.
    """

    _pairs: Sequence[tuple[Tensor, Tensor]] = ()
    """Averages and the weights that they follow."""

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Follow the module, which was moved after its average was made."""
        assert self._average_model is not None
        self._average_model.to(pl_module.device)
        self._pairs = ()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Follow the trained weights alone; Lightning looks at all of a network at every step."""
        step = trainer.global_step
        if step > self._latest_update_step and self.should_update(step_idx=step - 1):
            self._latest_update_step = step
            self._follow(pl_module)

    @torch.no_grad()
    def _follow(self, module: L.LightningModule) -> None:
        mean = self._average_model
        assert mean is not None
        if not self._pairs:
            pairs = zip(mean.module.parameters(), module.parameters(), strict=True)
            self._pairs = [pair for pair in pairs if pair[0] is not pair[1]]  # others are shared
        own = [average.data for average, _ in self._pairs]
        other = [weight.data for _, weight in self._pairs]
        self.follow(own, other, int(mean.n_averaged))
        mean.n_averaged += 1
        for kept, buffer in zip(mean.module.buffers(), module.buffers(), strict=True):
            kept.copy_(buffer)

    @torch.no_grad()
    def follow(self, average: list[Tensor], current: list[Tensor], count: int) -> None:
        """Make averages of `count` updates those of one more, in place."""
        if count:
            self.move(average, current, count)
        else:
            torch._foreach_copy_(average, current)

    @abstractmethod
    def move(self, average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        """Move averages of `count` updates towards the weights, in place."""

    def averaged(self, module: L.LightningModule) -> AbstractContextManager[None]:
        """Within this, `module` has the averaged weights."""
        return averaged(self, module)


@contextmanager
def averaged(average: WeightAveraging, module: L.LightningModule) -> Iterator[None]:
    """Within this, `module` has the weights that any of Lightning's averages holds."""
    average._swap_models(module)
    try:
        yield
    finally:
        average._swap_models(module)


class MovingAverage(Averaging):
    """EMA with warm-up: the decay is min(decay, (1 + n) / (10 + n)) at update n."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        super().__init__(use_buffers=False)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return step_idx is not None

    @torch.no_grad()
    def move(self, average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        n = int(count)
        torch._foreach_lerp_(average, current, 1 - min(self.decay, (1 + n) / (10 + n)))


class CheckpointAverage(Averaging):
    """The mean of the weights at step `first` and at every `every`-th after it; before, the
    weights themselves.
    """

    def __init__(self, first: int, every: int) -> None:
        self.first, self.every = first, every
        super().__init__(use_buffers=False)

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        if step_idx is None:
            return False
        step = step_idx + 1
        return step <= self.first or (step - self.first) % self.every == 0

    @torch.no_grad()
    def move(self, average: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        taken = max(0, int(count) + 1 - self.first)
        torch._foreach_lerp_(average, current, 1 / (taken + 1))


def averaging(options: FineTuneOptions) -> Averaging | None:
    """The average that `options` ask for, if any."""
    if options.ema_decay is not None:
        return MovingAverage(options.ema_decay)
    if options.average_from is not None:
        return CheckpointAverage(options.average_from, options.average_every)
    return None
