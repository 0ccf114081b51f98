"""Counting what attacks ask, before any model is asked."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from torch import Tensor

from lit_clid.auditing.conditions import CAPTION, Condition
from lit_clid.auditing.oracle import Oracle
from lit_clid.auditing.questions import Count, Question
from lit_clid.auditing.signals import Signals
from lit_clid.models.gradients import GradientNorms


class Ledger(Oracle):
    """Answers zeros about one record, and keeps count."""

    def __init__(self) -> None:
        self._asked: set[Hashable] = set()
        self._answered: set[Hashable] = set()
        self._count = Count()

    @property
    def latents(self) -> Tensor:
        return torch.zeros(1, 1, 1, 1)

    def errors(self, questions: Sequence[Question]) -> Tensor:
        self._enter(questions)
        return torch.zeros(1, len(questions))

    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        self._enter([("clean", t, condition)])
        return self.latents

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        self._enter([object()])  # answers to z of an attack's own making are kept nowhere
        return self.latents

    def noise(self, t: int, draw: str = "") -> Tensor:
        return self.latents

    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        self._asked |= {("gradient", step, condition) for step in t}
        self._count.backward_asked += backward
        together = ("gradients", tuple(t), condition)
        if together not in self._answered:
            self._answered.add(together)
            self._count.evaluated += len(t)
            self._count.backward_evaluated += len(t)
        return GradientNorms(torch.zeros(1, len(t), 1), torch.zeros(1, 1))

    def _enter(self, questions: Sequence[Hashable]) -> None:
        new = set(questions) - self._answered
        self._asked |= set(questions)
        self._answered |= new
        self._count.evaluated += len(new)

    def close(self) -> Count:
        """What was asked since the last call; earlier answers need not be evaluated again."""
        count, self._count = self._count, Count()
        count.asked, self._asked = len(self._asked), set()
        return count


def count_queries(sets: Mapping[str, Signals]) -> dict[str, Count]:
    """Queries per record of each set of signals: as if it ran alone, and sharing answers."""
    ledger = Ledger()
    counts: dict[str, Count] = {}
    for name, signals in sets.items():
        signals.signal(ledger)
        counts[name] = ledger.close()
    return counts
