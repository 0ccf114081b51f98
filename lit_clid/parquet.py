"""Tables of signals as parquet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lit_clid.files import whole
from lit_clid.ids import CHUNK, Ids


def write_parquet(
    path: Path,
    ids: Sequence[str],
    member: Sequence[bool | None] | np.ndarray,
    signals: Mapping[str, np.ndarray],
    beside: Mapping[str, Mapping[str, str]] | None = None,
    known: np.ndarray | None = None,
) -> None:
    """Write a table, arranged so, that appears whole or not at all."""
    with whole(path) as part:
        table = arranged(ids, member, signals, beside, known)
        pq.write_table(table, part, write_page_checksum=True)


def arranged(
    ids: Sequence[str],
    member: Sequence[bool | None] | np.ndarray,
    signals: Mapping[str, np.ndarray],
    beside: Mapping[str, Mapping[str, str]] | None = None,
    known: np.ndarray | None = None,
) -> pa.Table:
    """A table in memory.

    Args:
        ids, member: a row for each record.
        signals: numbers by column, likewise.
        beside: columns of texts by name, each id → text; one without any text is left out.
        known: of which records `member` says it, (N,) bool; None means of all where it does.
    """
    names = ids if isinstance(ids, Ids) else Ids(ids)
    unknown = None if known is None else ~known
    columns: dict[str, Any] = {
        "id": _texts(names),
        "member": pa.array(member, pa.bool_(), mask=unknown),
    }
    for column, told in (beside or {}).items():
        if told:
            columns[column] = pa.array([told.get(name) for name in names], pa.string())
    return pa.table({**columns, **signals})


def _texts(ids: Ids) -> pa.ChunkedArray:
    """The ids with offsets of 32 bits, which every reader of parquet knows."""
    starts = range(0, max(len(ids), 1), CHUNK)
    parts = [ids.column.slice(start, CHUNK).cast(pa.string()) for start in starts]
    return pa.chunked_array(parts, pa.string())
