"""Where the records of some sources are: which source, and which of its rows."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lit_clid.data.source import Source
from lit_clid.ids import Ids


class Places(Mapping[str, tuple[Source, int]]):
    """id → (source, row number).

    Rows are numbered through all sources too, so that the places of N records are N numbers.

    Args:
        sources: any number.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.sources = tuple(sources)
        names = [Ids(source.names).column for source in self.sources]
        self._of_lines: tuple[Any, np.ndarray] | None = None
        self.names = Ids(pa.chunked_array(names, pa.large_string()))
        self.ends: list[int] = np.cumsum([len(column) for column in names], dtype=np.int64).tolist()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> tuple[Source, int]:
        names = self.names if self._backwards is None else self._backwards
        found = pc.index(names.column, name).as_py() if isinstance(name, str) else -1
        if found < 0:
            raise KeyError(name)
        return self.at(found if self._backwards is None else len(self) - 1 - found)

    def at(self, number: int) -> tuple[Source, int]:
        """The source and the row of a number.

        Raises:
            KeyError: for −1, which stands for a record that is not there.
        """
        if number < 0:
            raise KeyError(number)
        which = bisect_right(self.ends, number)
        source = self.sources[which]
        return source, int(number) - self.ends[which] + len(source.ids)

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """The number of each of the names (M,), −1 where there is none.

        Of rows of one name the last counts.
        """
        if self._backwards is None:
            return self.names.places(names)
        found = self._backwards.places(names)
        return np.where(found < 0, -1, len(self) - 1 - found)

    def of_lines(self, lines: pa.Table) -> np.ndarray:
        """The number of each line (M,) of a table with an `id`, kept until another is asked for."""
        if self._of_lines is None or self._of_lines[0] is not lines:
            self._of_lines = lines, self.numbers(Ids(lines["id"]))
        return self._of_lines[1]

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: it has a table of its own."""
        return {**self.__dict__, "_of_lines": None}

    @cached_property
    def _backwards(self) -> Ids | None:
        """The names from the last to the first, among which the last of one name is found first;
        None where no two rows have one name.
        """
        in_order = self.names.take(self.names.order())
        return self.names[::-1] if in_order.repeats().any() else None

    def caption(self, number: int) -> str:
        """The caption of a row."""
        source, row = self.at(number)
        return source.captions[row]

    def wordings(self, number: int) -> tuple[str, ...]:
        """The captions under which a row is asked about, each once."""
        source, row = self.at(number)
        return source.wordings(row)

    def others(self, number: int) -> tuple[str, ...]:
        """The further captions or rephrasings of a row."""
        source, row = self.at(number)
        return source.others[row] if source.others else ()
