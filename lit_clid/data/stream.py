"""Which member stands where in training: shuffled passes cut into batches, or Poisson samples; and
which records of an audit a process asks about.

Batch k is a pure function of (seed, k), so a resumed run goes on with the batch it would have had.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import Sampler

from lit_clid.randomness import generator, permutation

Place = tuple[int, int]
"""(index of a member, how many passes came before)."""


class TrainingStream(Sampler[list[Place]]):
    """Batches start…total−1 of the endless stream; each rank takes its slice of every batch.

    Args:
        count: members.
        batch_size: per rank.
        total: batches of a whole training run.
        seed: of the shuffles.
        rank, world: of this process.
        start: called when iteration begins; how many batches were already trained on.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        total: int,
        seed: int,
        *,
        rank: int = 0,
        world: int = 1,
        start: Callable[[], int] = lambda: 0,
    ) -> None:
        self.count, self.batch_size, self.total, self.seed = count, batch_size, total, seed
        self.rank, self.world, self.start = rank, world, start
        self._order: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[list[Place]]:
        for k in range(self.start(), self.total):
            first = (k * self.world + self.rank) * self.batch_size
            yield [self._place(position) for position in range(first, first + self.batch_size)]

    def _place(self, position: int) -> Place:
        passes, within = divmod(position, self.count)
        if self._order[0] != passes:
            self._order = (passes, permutation(self.count, self.seed, "pass", passes))
        return self._order[1][within], passes


@dataclass(frozen=True)
class Poisson:
    """Poisson samples in place of shuffled passes.

    Args:
        seed: of the draws.
    """

    seed: int


class PoissonStream(Sampler[list[Place]]):
    """Batches that hold every member independently with one probability; some are empty.

    Private training needs them.

    Args:
        count: members.
        rate: probability.
        total: batches of a whole training run.
        draws: where its randomness comes from.
        start: called when iteration begins; how many batches were already trained on.
    """

    def __init__(
        self,
        count: int,
        rate: float,
        total: int,
        draws: Poisson,
        *,
        start: Callable[[], int] = lambda: 0,
    ) -> None:
        self.count, self.rate, self.total = count, rate, total
        self.seed, self.start = draws.seed, start

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[list[Place]]:
        for k in range(self.start(), self.total):
            dice = generator(self.seed, "poisson", k)
            drawn = (torch.rand(self.count, generator=dice) < self.rate).nonzero()[:, 0].tolist()
            yield [(index, int(k * self.rate)) for index in drawn]


class Turns(Sampler[int]):
    """The places of one process's batches, where all batches are dealt in turn: whoever asks about
    a record asks about it beside the same others, so that answers are equal to the last digit.

    Args:
        count: records, at least as many as processes.
        batch_size: of a batch; smaller where that leaves a process without one.
        rank, world: of this process.
    """

    def __init__(self, count: int, batch_size: int, *, rank: int = 0, world: int = 1) -> None:
        size = min(batch_size, max(1, count // world))
        places = range(count)
        starts = range(rank * size, count, world * size)
        self.places = [places[start : start + size] for start in starts]

    def __len__(self) -> int:
        return sum(map(len, self.places))

    def __iter__(self) -> Iterator[int]:
        for batch in self.places:
            yield from batch
