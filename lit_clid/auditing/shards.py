"""Shards of a table: one batch of signals each, of any process, merged when all are there."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lit_clid.about import About
from lit_clid.errors import UserError, few
from lit_clid.files import whole
from lit_clid.parquet import arranged
from lit_clid.scores import Scores

DAMAGED = ".damaged"
"""Is added to the name of a shard that no longer holds what was written."""


class DamagedShardError(UserError):
    """A shard that no longer holds what was written."""


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

    The name is a hash of the ids and one of the file, and the rename is atomic: no rank disturbs
    another, and what the disk changes later is noticed.
    """
    columns = {c: np.asarray(values, np.float64) for c, values in signals.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(arranged(ids, member, columns), sink)
    content = sink.getvalue().to_pybytes()
    with whole(folder / f"{digest_of_ids(ids)}-{_digest(content)}.parquet") as part:
        part.write_bytes(content)


def digest_of_ids(ids: Sequence[str]) -> str:
    """How what belongs to these records is called in a folder of shards."""
    return _digest("\x1f".join(ids).encode())


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()


def read_shard(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Some columns of a shard, or all, once it is known to be what was written.

    Raises:
        DamagedShardError: if it is not.
    """
    content, told = path.read_bytes(), path.stem.partition("-")[2]
    if told in ("", _digest(content)):  # shards of before had no digest
        with suppress(pa.ArrowException, OSError, ValueError):
            return pq.ParquetFile(pa.BufferReader(content)).read(columns)
    raise DamagedShardError(
        f"{path}: is damaged; run the command again, its records are asked anew"
    )


def set_damaged_aside(folder: Path) -> list[str]:
    """Rename the damaged shards of `folder`, whose records are asked again then; their names."""
    found: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            read_shard(path, ["id"])
        except DamagedShardError:
            path.replace(path.with_name(path.name + DAMAGED))
            found.append(path.name)
    return found


def finished_ids(folder: Path) -> set[str]:
    """The ids whose signals lie in the shards of `folder` that are not damaged."""
    found: set[str] = set()
    for path in folder.glob("*.parquet"):
        with suppress(
            DamagedShardError, FileNotFoundError
        ):  # another process sets it aside just now
            found |= set(read_shard(path, ["id"])["id"].to_pylist())
    return found


def answers(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The signals of these records, in this order, by column; all must be there."""
    tables = [read_shard(path) for path in sorted(folder.glob("*.parquet"))]
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
        UserError: if a record is missing or strange, a shard is damaged, or two contradict each
            other.
    """
    rows: dict[str, tuple[Any, ...]] = {}
    columns: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        table = read_shard(path)
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
