"""How long optimiser steps take."""

import time
from typing import Any

from lightning.pytorch.callbacks import Callback

WARM = 4
"""Optimiser steps that are not timed."""


class StepTimes(Callback):
    """When every optimiser step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        self.ends.append(time.perf_counter())

    def seconds(self, accumulated: int) -> float:
        """Of an optimiser step, those that warm up aside."""
        first = WARM * accumulated
        return (self.ends[-1] - self.ends[first - 1]) / (len(self.ends) - first) * accumulated
