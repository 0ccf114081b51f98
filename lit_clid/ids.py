"""Ids of many records, kept as one column instead of an object each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import index
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK = 65_536
"""Ids that are objects at a time."""


class Ids(Sequence[str]):
    """N texts, which behave like a tuple of them.

    Args:
        names: texts, a column of them, or other ids.
    """

    def __init__(self, names: "Iterable[str] | pa.Array | pa.ChunkedArray" = ()) -> None:
        if isinstance(names, Ids):
            column = names.column
        elif isinstance(names, (pa.Array, pa.ChunkedArray)):
            column = names.cast(pa.large_string())
        else:
            left, blocks = iter(names), list[Any]()
            while some := list(islice(left, CHUNK)):
                blocks.append(pa.array(some, pa.large_string()))
            column = pa.chunked_array(blocks, pa.large_string())
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        self.column: Any = column

    def __len__(self) -> int:
        return len(self.column)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Ids": ...
    def __getitem__(self, place: "int | slice") -> "str | Ids":
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step == 1:
                return Ids(self.column.slice(start, max(0, stop - start)))
            return self.take(np.arange(start, stop, step))
        return str(self.column[index(place)])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):
            yield from self.column.slice(start, CHUNK).to_pylist()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and pc.index(self.column, name).as_py() >= 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return bool(self.column.equals(other.column))
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Iterable[str]) -> "Ids":
        return Ids(pa.chunked_array([self.column, Ids(other).column]))

    def __repr__(self) -> str:
        return f"Ids({list(self[:3])}{', …' if len(self) > 3 else ''})"

    def take(self, rows: np.ndarray) -> "Ids":
        """Those at these places, or where a mask (N,) is true."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Ids(self.column.take(pa.array(rows, pa.int64())))

    def order(self) -> np.ndarray:
        """Places (N,) in the order of the texts' code points; equal texts keep theirs."""
        if len(self) < 2 or pc.all(pc.less_equal(self.column[:-1], self.column[1:])).as_py():
            return np.arange(len(self))
        found: np.ndarray = pc.sort_indices(self.column).to_numpy().astype(np.int64)
        return found

    def places(self, names: Iterable[str]) -> np.ndarray:
        """Where each of the names (M,) stands among these, −1 where it does not."""
        found = pc.index_in(Ids(names).column, self.column).fill_null(-1)
        places: np.ndarray = found.to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def repeats(self) -> np.ndarray:
        """Which (N,) equal the one before, of ids in order."""
        if len(self) < 2:
            return np.zeros(len(self), bool)
        same = pc.equal(self.column[:-1], self.column[1:]).to_numpy(zero_copy_only=False)
        return np.concatenate([[False], same])
