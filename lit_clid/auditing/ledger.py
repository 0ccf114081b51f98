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
    """Answers zeros about one record, and keeps count.

    Args:
        captions: how many the record has that are asked one by one; answers that no caption changes
            are kept for all of them.
    """

    def __init__(self, captions: int = 1) -> None:
        self.captions, self.told = captions, False
        self._asked: dict[Hashable, int] = {}
        self._answered: set[Hashable] = set()
        self._count = Count()

    @property
    def latents(self) -> Tensor:
        return torch.zeros(1, 1, 1, 1)

    def errors(self, questions: Sequence[Question]) -> Tensor:
        self._enter({each: self._times(each.condition) for each in questions})
        return torch.zeros(1, len(questions))

    def clean(self, t: int, condition: Condition = CAPTION) -> Tensor:
        self._enter({("clean", t, condition): self._times(condition)})
        return self.latents

    def eps(self, z: Tensor, t: int, condition: Condition = CAPTION) -> Tensor:
        self._times(condition)
        # answers to z of an attack's own making are kept nowhere
        self._enter({object(): self.captions})
        return self.latents

    def noise(self, t: int, draw: str = "") -> Tensor:
        return self.latents

    def gradient_norms(
        self, t: Sequence[int], condition: Condition, backward: int
    ) -> GradientNorms:
        times = self._times(condition)
        self._asked |= {("gradient", step, condition): times for step in t}
        self._count.backward_asked += backward * times
        together = ("gradients", tuple(t), condition)
        if together not in self._answered:
            self._answered.add(together)
            self._count.evaluated += len(t) * times
            self._count.backward_evaluated += len(t) * times
        return GradientNorms(torch.zeros(1, len(t), 1), torch.zeros(1, 1))

    def _times(self, condition: Condition) -> int:
        """How often an answer under a condition is asked that is kept."""
        self.told |= condition.needs_caption
        return self.captions if condition.needs_caption else 1

    def _enter(self, questions: Mapping[Hashable, int]) -> None:
        new = {key: times for key, times in questions.items() if key not in self._answered}
        self._asked |= questions
        self._answered |= set(new)
        self._count.evaluated += sum(new.values())

    def close(self) -> Count:
        """What was asked since the last call; earlier answers need not be evaluated again."""
        count, self._count = self._count, Count()
        count.asked, self._asked = sum(self._asked.values()), {}
        return count


def needs_caption(signals: Signals) -> bool:
    """Whether a set of signals asks anything that the record's own caption changes."""
    ledger = Ledger()
    signals.signal(ledger)
    return ledger.told


def count_queries(sets: Mapping[str, Signals], captions: int = 1) -> dict[str, Count]:
    """Queries per record of each set of signals: as if it ran alone, and sharing answers.

    Args:
        sets: by name.
        captions: of the record, over which the signals are averaged.
    """
    ledger = Ledger()
    counts: dict[str, Count] = {}
    for name, signals in sets.items():
        ledger.captions = captions if captions > 1 and needs_caption(signals) else 1
        signals.signal(ledger)
        counts[name] = ledger.close()
    return counts
