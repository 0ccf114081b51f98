"""Shards of a table: some batches of signals each, of any process, merged when all are there.

A table is columns all the way: no record is an object of its own, however many there are.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lit_clid.about import About
from lit_clid.errors import UserError, few
from lit_clid.files import whole
from lit_clid.ids import Ids
from lit_clid.parquet import arranged
from lit_clid.scores import Scores

DAMAGED = ".damaged"
"""Is added to the name of a shard that no longer holds what was written."""
FULL = 10_000
"""Records from which on a shard is not packed together with others."""
NOBODY = 2
"""Stands for an empty cell `member`."""


class DamagedShardError(UserError):
    """A shard that no longer holds what was written."""


@dataclass(frozen=True)
class Roll:
    """The records that a table is to be of.

    Args:
        ids: N of them, each once.
        told: who is a member, (N,) of 1, 0 and, where nobody knows, `NOBODY`.
    """

    ids: Ids
    told: np.ndarray

    @classmethod
    def of(cls, member: Mapping[str, bool | None]) -> "Roll":
        """From id → who is a member."""
        told = np.fromiter((NOBODY if m is None else m for m in member.values()), np.int8)
        return cls(Ids(member), told)


def shard_folder(path: Path) -> Path:
    """Where the shards of the table `path` lie until they are merged."""
    return path.with_name(f"{path.stem}.shards")


def write_shard(
    folder: Path,
    ids: Sequence[str],
    member: Sequence[bool | None],
    signals: Mapping[str, np.ndarray],
) -> Path:
    """Write one batch's signals; returns the file.

    The name is a hash of the ids and one of the file, and the rename is atomic: no rank disturbs
    another, and what the disk changes later is noticed.
    """
    columns = {c: np.asarray(values, np.float64) for c, values in signals.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(arranged(ids, member, columns), sink)
    content = sink.getvalue().to_pybytes()
    name = f"{digest_of_ids(ids)}-{_digest(content)}.parquet"
    with whole(folder / name) as part:
        part.write_bytes(content)
    return folder / name


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
        with suppress(FileNotFoundError):  # another process sets it aside, or packs it, just now
            try:
                read_shard(path, ["id"])
            except DamagedShardError:
                path.replace(path.with_name(path.name + DAMAGED))
                found.append(path.name)
    return found


def pack_shards(paths: Sequence[Path]) -> Path:
    """Write the rows of several shards of one folder as one, then delete them.

    Whoever looks in between finds some records twice, told alike.
    """
    table = pa.concat_tables(read_shard(path) for path in paths)
    signals = {name: table[name].to_numpy() for name in _signals(table)}
    ids = table["id"].to_pylist()
    packed = write_shard(paths[0].parent, ids, table["member"].to_pylist(), signals)
    for path in paths:
        if path != packed:
            path.unlink()
    return packed


def finished_ids(folder: Path) -> set[str]:
    """The ids whose signals lie in the shards of `folder` that are not damaged."""
    found: set[str] = set()
    for path in folder.glob("*.parquet"):
        with suppress(DamagedShardError, FileNotFoundError):
            # another process sets it aside, or packs it, just now
            found.update(read_shard(path, ["id"])["id"].to_pylist())
    return found


def known_of(folder: Path, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A signal of the records in the shards of which it is known who is a member, and who is."""
    values, member = [np.zeros(0)], [np.zeros(0, np.int64)]
    for path in folder.glob("*.parquet"):
        try:
            table = read_shard(path, [column, "member"])
        except FileNotFoundError:  # packed just now
            continue
        known = table["member"].is_valid().to_numpy()
        values.append(table[column].to_numpy()[known])
        member.append(_told(table)[known].astype(np.int64))
    return np.concatenate(values), np.concatenate(member)


def answers(folder: Path, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """The signals of these records, in this order, by column; all must be there."""
    table = _all(folder)
    rows = Ids(table["id"]).places(ids)
    if (rows < 0).any():
        raise DamagedShardError(f"{folder}: lost answers; run the command again, it asks anew")
    return {name: table[name].to_numpy()[rows] for name in _signals(table)}


def merge(folder: Path, expected: Roll, about: About, where: str) -> Scores:
    """Merge the shards of `folder` into one table of exactly the records that are expected.

    Raises:
        UserError: if a record is missing or strange, a shard is damaged, or two contradict each
            other.
    """
    table = _all(folder)
    ids = Ids(table["id"])
    order = ids.order()
    ids = ids.take(order)
    again = ids.repeats()
    told = _told(table)[order]
    signals: dict[str, np.ndarray] = {}
    differs = again & (told != np.roll(told, 1))
    for name in _signals(table):
        values = table[name].to_numpy()[order]
        before = np.roll(values, 1)
        differs |= again & (values != before) & ~(np.isnan(values) & np.isnan(before))
        signals[name] = values[~again] if again.any() else values
    if differs.any():
        raise UserError(
            f"{folder}: two shards disagree about record {ids[int(differs.argmax())]}; delete the "
            "folder and rerun"
        )
    if again.any():
        ids, told = ids.take(~again), told[~again]
    _check_records(folder, Roll(ids, told), expected)
    return Scores.of_known(ids, told == 1, told != NOBODY, signals, about, where)


def _check_records(folder: Path, found: Roll, expected: Roll) -> None:
    """Refuse records that are not there, that nobody expects, or that are told otherwise."""
    place = found.ids.places(expected.ids)
    missing = expected.ids.take(place < 0)
    strange = np.ones(len(found.ids), bool)
    strange[place[place >= 0]] = found.told[place[place >= 0]] != expected.told[place >= 0]
    if len(missing) or strange.any():
        others = found.ids.take(strange)
        raise UserError(
            f"{folder}: incomplete or foreign shards (missing: {few(missing, 3) or 'none'}; not of "
            f"this split: {few(others, 3) or 'none'}); rerun to fill the gaps, or delete the "
            "folder"
        )


def _all(folder: Path) -> pa.Table:
    """The rows of every shard of a folder, one below the other.

    Raises:
        UserError: if there is none, or one has other columns.
    """
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise UserError(f"{folder}: holds no shards; rerun to ask the model")
    tables: list[pa.Table] = []
    for path in paths:
        tables.append(read_shard(path))
        if set(tables[-1].column_names) != set(tables[0].column_names):
            raise UserError(
                f"{path}: has other columns than {paths[0].name}; delete {folder} and rerun"
            )
    return pa.concat_tables([table.select(tables[0].column_names) for table in tables])


def _signals(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name not in ("id", "member")]


def _told(table: pa.Table) -> np.ndarray:
    """1, 0 or `NOBODY` of every row (N,)."""
    found: Any = table["member"].cast(pa.int8()).fill_null(NOBODY).to_numpy()
    return np.asarray(found, np.int8)
