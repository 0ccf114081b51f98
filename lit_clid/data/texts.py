"""Texts of very many records: captions, paths and the like, in one piece of memory."""

from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")


class Column(Sequence[T]):
    """N things held in one piece, which behave like a tuple of them and are objects only while they
    are looked at.
    """

    @abstractmethod
    def at(self, row: int) -> T:
        """That of a row, 0…N−1."""

    def __iter__(self) -> Iterator[T]:
        """One by one: whatever `at` raises is no end of them."""
        return map(self.at, range(len(self)))

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: "int | slice") -> "T | list[T]":
        rows = range(len(self))[place]
        return list(map(self.at, rows)) if isinstance(rows, range) else self.at(rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


class TextColumn(Column[str]):
    """N texts.

    Args:
        texts: any, file names that are not UTF-8 among them.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._held, self._ends = bytearray(), array("q")
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        """Add one behind the last."""
        self._held += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._held))

    @property
    def column(self) -> Any:
        """Their bytes, as a column of pyarrow."""
        starts = np.concatenate([[0], np.frombuffer(self._ends, np.int64)])
        buffers = [None, pa.py_buffer(starts), pa.py_buffer(bytes(self._held))]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(self), buffers)

    def __len__(self) -> int:
        return len(self._ends)

    def at(self, row: int) -> str:
        start = self._ends[row - 1] if row else 0
        return self._held[start : self._ends[row]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._ends:
            yield self._held[start:end].decode("utf-8", "surrogatepass")
            start = end

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TextColumn):
            return self._ends == other._ends and self._held == other._held
        return super().__eq__(other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"TextColumn({self[:3]}{', …' if len(self) > 3 else ''})"


class Lists(Column[tuple[str, ...]]):
    """N tuples of texts."""

    def __init__(self, rows: Iterable[Sequence[str]] = ()) -> None:
        self._texts, self._ends = TextColumn(), array("q")
        for row in rows:
            self.append(row)

    def append(self, row: Sequence[str]) -> None:
        """Add one behind the last."""
        for text in row:
            self._texts.append(text)
        self._ends.append(len(self._texts))

    def __len__(self) -> int:
        return len(self._ends)

    def at(self, row: int) -> tuple[str, ...]:
        start = self._ends[row - 1] if row else 0
        return tuple(self._texts[start : self._ends[row]])


class Paths(Column[Path]):
    """N paths."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._texts = paths.texts if isinstance(paths, Paths) else TextColumn(map(str, paths))

    @property
    def texts(self) -> TextColumn:
        """The paths as they are written."""
        return self._texts

    def ending_in(self, endings: Iterable[str]) -> "Paths":
        """Those that end so, in letters of either case."""
        wanted, found = tuple(endings), Paths()
        for text in self._texts:
            if text.lower().endswith(wanted):
                found._texts.append(text)
        return found

    def extend(self, paths: Iterable[Path]) -> None:
        """Add some behind the last."""
        for path in paths:
            self._texts.append(str(path))

    def among(self, others: "Paths") -> np.ndarray:
        """Which (N,) are among the others too."""
        found: Any = pc.is_in(self._texts.column, others._texts.column)
        return np.asarray(found.to_numpy(zero_copy_only=False), bool)

    def __len__(self) -> int:
        return len(self._texts)

    def at(self, row: int) -> Path:
        return Path(self._texts.at(row))

    def __iter__(self) -> Iterator[Path]:
        return map(Path, self._texts)


class Each(Column[Any]):
    """What a function says of each of N rows, asked when it is looked at.

    Args:
        told: row number → what is there.
        rows: their numbers (N,), as an array or any sequence.
    """

    def __init__(self, told: Callable[[int], Any], rows: Any) -> None:
        self._told, self._rows = told, rows

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, row: int) -> Any:
        return self._told(self._rows[row])
