"""How long optimiser steps take."""

import time
from itertools import pairwise
from statistics import median
from typing import Any

from lightning.pytorch.callbacks import Callback

WARM, FEWEST = 8, 8
"""Batches that are not timed, and that are timed at least."""
WORTH = 8.0
"""Seconds after which enough were timed."""


class StepTimes(Callback):
    """When every batch of a training ended, which stops as soon as enough are timed."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.ends.append(time.perf_counter())
        timed = self.ends[WARM:]
        if len(timed) > FEWEST and timed[-1] - timed[0] > WORTH:
            trainer.should_stop = True

    def seconds(self) -> float:
        """Of a batch in the middle, those that warm up aside."""
        return median(end - start for start, end in pairwise(self.ends[WARM:]))
