"""Aspect-ratio buckets: shapes of about the same area, and which of them an image is cut to.

Sides are multiples of a step, from half to twice the side of the square; the area is at most the
square's. A batch holds images of one shape alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log

from torch.utils.data import Sampler

from lit_clid.data.stream import Place
from lit_clid.randomness import permutation

Shape = tuple[int, int]
"""Width and height in pixels."""
STEPS = 8
"""Sides differ by about this part of the square's, and by a multiple of the model's factor."""


@dataclass(frozen=True)
class Bucketing:
    """How images are cut to shapes.

    Args:
        side: of the square, in pixels.
        factor: that sides of the model's images are multiples of.
        most: the longest side that it takes; None if it takes any.
    """

    side: int
    factor: int
    most: int | None = None

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Every shape, the square among them, from high to wide."""
        step = self.factor * max(1, ceil(self.side / STEPS / self.factor))
        longest = min(2 * self.side, self.most or 2 * self.side)
        found = {(self.side, self.side)}
        for long in range(self.side + step, longest + 1, step):
            short = self.side**2 // long // step * step
            if 2 * short >= self.side:
                found |= {(long, short), (short, long)}
        return tuple(sorted(found))

    def assign(self, sizes: Sequence[Shape], fewest: int) -> tuple[Shape, ...]:
        """The shape of each image, the nearest in aspect ratio; shapes of too few images are left
        out, the rarest first, and their images take the next one.

        Args:
            sizes: of the images.
            fewest: images that a shape needs; a batch.
        """
        left = list(self.shapes)
        while True:
            chosen = tuple(_nearest(size, left) for size in sizes)
            counts = Counter(chosen)
            rare = [shape for shape in left if 0 < counts[shape] < fewest]
            if not rare or len(counts) == 1:
                return chosen
            left = [shape for shape in left if counts[shape]]
            left.remove(min(rare, key=lambda shape: (counts[shape], shape)))


def _nearest(size: Shape, shapes: Sequence[Shape]) -> Shape:
    return min(shapes, key=lambda shape: (abs(log(size[0] * shape[1] / size[1] / shape[0])), shape))


class BucketStream(Sampler[list[Place]]):
    """Batches start…total−1 of one shape each.

    Each shape has its own endless stream of shuffled passes, so its images are seen equally often
    (to within one); batch k is of the shape that is furthest behind its share of the images (to
    within one batch). Batch k is a pure function of (seed, k).

    Args:
        shapes: of each member.
        batch_size: per rank.
        total: batches of a whole training run.
        seed: of the shuffles.
        rank, world: of this process.
        start: called when iteration begins; how many batches were already trained on.
    """

    def __init__(
        self,
        shapes: Sequence[Shape],
        batch_size: int,
        total: int,
        seed: int,
        *,
        rank: int = 0,
        world: int = 1,
        start: Callable[[], int] = lambda: 0,
    ) -> None:
        self.batch_size, self.total, self.seed = batch_size, total, seed
        self.rank, self.world, self.start = rank, world, start
        self.groups: dict[Shape, list[int]] = {}
        for index, shape in enumerate(shapes):
            self.groups.setdefault(shape, []).append(index)
        self._orders: dict[Shape, tuple[int, list[int]]] = {}

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[list[Place]]:
        first, done = self.start(), Counter[Shape]()
        for k in range(self.total):
            shape = min(self.groups, key=lambda each: (done[each] + 1) / len(self.groups[each]))
            if k >= first:
                at = (done[shape] * self.world + self.rank) * self.batch_size
                yield [self._place(shape, at + row) for row in range(self.batch_size)]
            done[shape] += 1

    def _place(self, shape: Shape, position: int) -> Place:
        group = self.groups[shape]
        passes, within = divmod(position, len(group))
        if self._orders.get(shape, (-1,))[0] != passes:
            order = permutation(len(group), self.seed, "pass", *shape, passes)
            self._orders[shape] = passes, order
        return group[self._orders[shape][1][within]], passes
