"""A sample of very many records, drawn by their names before any of them is looked at."""

import heapq
from collections.abc import Iterable
from dataclasses import replace
from typing import Generic, TypeVar

from lit_clid.data.scan import hash_bytes
from lit_clid.data.source import Source

T = TypeVar("T")
KEYS = {"": "source", "nonmembers:": "nonmember_source"}
"""Marks of sources of which a sample may be drawn → the keys of `data` that name them."""


class Lots(Generic[T]):
    """Of N things the `count` whose names have the lowest hashes.

    A simple random sample without replacement, if the names are all different and were not chosen
    for it; of the same names it is the same in whatever order they come. No more is ever held than
    is kept: a bottom-k sketch (Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC
    2007).

    Args:
        count: how many are kept, at least 1; of fewer all.
        things: their names, and what these stand for.
    """

    def __init__(self, count: int, things: Iterable[tuple[str, T]] = ()) -> None:
        self.count, self.offered = count, 0
        self._highest: list[tuple[int, int, T]] = []  # a heap, the next to go at its top
        for name, thing in things:
            self.offer(name, thing)

    def offer(self, name: str, thing: T) -> None:
        """Keep one until `count` others have lower hashes."""
        lot = int(hash_bytes(name.encode("utf-8", "surrogatepass")), 16)
        own = (-lot, -self.offered, thing)
        self.offered += 1
        if len(self._highest) < self.count:
            heapq.heappush(self._highest, own)
        elif own[:2] > self._highest[0][:2]:
            heapq.heapreplace(self._highest, own)

    @property
    def kept(self) -> dict[int, T]:
        """What is kept by its number among all that was offered, in that order."""
        return {-k: thing for _, k, thing in sorted(self._highest, key=lambda own: -own[1])}


def sampled(source: Source, count: int) -> Source:
    """A source with at most so many of its records."""
    if len(source.ids) <= count:
        return source
    lots = Lots(count, ((name, row) for row, name in enumerate(source.ids)))
    return drawn(source.take(list(lots.kept)), lots.offered)


def drawn(source: Source, of: int) -> Source:
    """The source of a sample, which says so.

    Args:
        source: of the sample.
        of: how many records it was drawn from.
    """
    note = (
        f"{source.name}: a sample of {len(source.ids):,} of {of:,} records, drawn by their names; "
        "the others are not compared with any"
    )
    return replace(source, of=of, notes=(*source.notes, note))


def samples(sources: Iterable[Source]) -> dict[str, dict[str, int]] | None:
    """Key of `data` → how many records were `drawn`, and `of` how many; None without a sample.

    Records of each caption of one image count as one.
    """
    found: dict[str, dict[str, int]] = {}
    for source in sources:
        if source.of is not None:
            found[KEYS[source.mark]] = {"drawn": len(set(source.rows or ())), "of": source.of}
    return found or None
