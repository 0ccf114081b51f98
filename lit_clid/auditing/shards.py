"""Shards of a table: one batch of signals each, of any process, merged when all are there."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from lit_clid.about import About
from lit_clid.errors import UserError, few
from lit_clid.parquet import write_parquet
from lit_clid.scores import Scores


def shard_folder(path: Path) -> Path:
    """Where the shards of the table `path` lie until they are merged."""
    return path.with_name(f"{path.stem}.shards")


def write_shard(
    folder: Path,
    ids: Sequence[str],
    member: Sequence[bool | None],
    signals: Mapping[str, np.ndarray],
) -> None:
    """Write one batch's signals.

    The name is a hash of the ids and the rename is atomic, so no rank disturbs another.
    """
    name = blake2b("\x1f".join(ids).encode(), digest_size=8).hexdigest()
    columns = {c: np.asarray(values, np.float64) for c, values in signals.items()}
    write_parquet(folder / f"{name}.parquet", ids, member, columns)


def finished_ids(folder: Path) -> set[str]:
    """The ids whose signals lie in the shards of `folder`."""
    found: set[str] = set()
    for path in folder.glob("*.parquet"):
        found |= set(pq.read_table(path, columns=["id"])["id"].to_pylist())
    return found


def answers(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The signals of these records, in this order, by column; all must be there."""
    tables = [pq.read_table(path) for path in sorted(folder.glob("*.parquet"))]
    rows: dict[str, dict[str, Any]] = {}
    for table in tables:
        rows |= {row["id"]: row for row in table.to_pylist()}
    columns = [name for name in tables[0].column_names if name not in ("id", "member")]
    pick = itemgetter(*columns, "id")  # a tuple, though there is one column
    found = np.array([pick(rows[each])[:-1] for each in ids], np.float64)
    return dict(zip(columns, found.T, strict=True))


def merge(folder: Path, expected: Mapping[str, bool | None], about: About, where: str) -> Scores:
    """Merge the shards of `folder` into one table of exactly the records `expected` (id → member).

    Raises:
        UserError: if a record is missing or strange, or if two shards contradict each other.
    """
    rows: dict[str, tuple[Any, ...]] = {}
    columns: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        columns = columns or [c for c in table.column_names if c not in ("id", "member")]
        for row in table.to_pylist():
            values = (row["member"], *(row[c] for c in columns))
            other = rows.setdefault(row["id"], values)
            alike = np.array_equal(other[1:], values[1:], equal_nan=True)
            if not alike or other[0] is not values[0]:
                raise UserError(
                    f"{folder}: two shards disagree about record {row['id']}; delete the folder "
                    "and rerun"
                )
    missing = [name for name in expected if name not in rows]
    strange = [name for name in rows if rows[name][0] is not expected.get(name, "nothing")]
    if missing or strange:
        raise UserError(
            f"{folder}: incomplete or foreign shards (missing: {few(missing, 3) or 'none'}; not of "
            f"this split: {few(strange, 3) or 'none'}); rerun to fill the gaps, or delete the "
            "folder"
        )
    told = [row[0] for row in rows.values()]
    signals: dict[str, np.ndarray] = {}
    for k, column in enumerate(columns, 1):
        signals[column] = np.array([row[k] for row in rows.values()])
    return Scores.of_told(tuple(rows), told, signals, about, where)
