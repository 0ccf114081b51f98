"""Tables of signals as parquet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lit_clid.files import whole


def write_parquet(
    path: Path,
    ids: Sequence[str],
    member: Sequence[bool | None] | np.ndarray,
    signals: Mapping[str, np.ndarray],
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write a table, arranged so, that appears whole or not at all."""
    with whole(path) as part:
        pq.write_table(arranged(ids, member, signals, beside), part, write_page_checksum=True)


def arranged(
    ids: Sequence[str],
    member: Sequence[bool | None] | np.ndarray,
    signals: Mapping[str, np.ndarray],
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> pa.Table:
    """A table in memory.

    Args:
        ids, member: a row for each record.
        signals: numbers by column, likewise.
        beside: columns of texts by name, each id → text; one without any text is left out.
    """
    columns: dict[str, Any] = {"id": list(ids), "member": pa.array(member, pa.bool_())}
    for column, told in (beside or {}).items():
        if told:
            columns[column] = pa.array([told.get(name) for name in ids], pa.string())
    return pa.table({**columns, **signals})
