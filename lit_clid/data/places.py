"""Where the records of some sources are: which source, and which of its rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

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
        self.names = Ids(pa.chunked_array(names, pa.large_string()))
        self.ends = np.cumsum([len(column) for column in names], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, name: str) -> tuple[Source, int]:
        if name not in self.names:
            raise KeyError(name)
        return self.at(int(self.numbers([name])[0]))

    def at(self, number: int) -> tuple[Source, int]:
        """The source and the row of a number."""
        which = int(np.searchsorted(self.ends, number, "right"))
        source = self.sources[which]
        return source, int(number) - int(self.ends[which]) + len(source.ids)

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """The number of each of the names (M,), −1 where there is none.

        Of rows of one name the last counts.
        """
        backwards = self.names.take(np.arange(len(self))[::-1])
        found = backwards.places(names)
        return np.where(found < 0, -1, len(self) - 1 - found)

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
