"""A sample of very many records, drawn by their names before any of them is looked at."""

import heapq
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Generic, TypeVar

from lit_clid.data.source import Source

T = TypeVar("T")


class Lots(Generic[T]):
    """Of N things the `count` whose names have the lowest hashes.

    A simple random sample without replacement that is the same wherever the things lie and in
    whatever order they come, and that never holds more than it keeps: a bottom-k sketch (Cohen and
    Kaplan, "Summarizing data using bottom-k sketches", PODC 2007).

    Args:
        count: how many are kept, at least 1; of fewer all.
        things: their names, best each once, and what these stand for.
    """

    def __init__(self, count: int, things: Iterable[tuple[str, T]] = ()) -> None:
        self.count, self.offered = count, 0
        self._highest: list[tuple[int, int, T]] = []  # a heap, the next to go at its top
        for name, thing in things:
            self.offer(name, thing)

    def offer(self, name: str, thing: T) -> None:
        """Keep one until `count` others have lower hashes."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        own = (-int.from_bytes(digest, "big"), -self.offered, thing)
        self.offered += 1
        if len(self._highest) < self.count:
            heapq.heappush(self._highest, own)
        elif own[:2] > self._highest[0][:2]:
            heapq.heapreplace(self._highest, own)

    @property
    def kept(self) -> list[T]:
        """What is kept, in the order in which it was offered."""
        return [thing for _, _, thing in sorted(self._highest, key=lambda own: -own[1])]

    def notes(self, name: str) -> tuple[str, ...]:
        """What a reader of the data called so should be told; nothing where all are kept."""
        if self.offered <= self.count:
            return ()
        return (
            f"{name}: a sample of {self.count:,} of {self.offered:,} records, drawn by their "
            "names; copies of hold-outs among the others are not looked for",
        )


def sampled(source: Source, count: int) -> Source:
    """A source with at most so many of its records."""
    if len(source.ids) <= count:
        return source
    lots = Lots(count, ((name, row) for row, name in enumerate(source.ids)))
    return replace(source.take(lots.kept), notes=(*source.notes, *lots.notes(source.name)))
