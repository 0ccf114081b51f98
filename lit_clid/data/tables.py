"""Parquet and Arrow files as one `datasets` table: names taken literally, columns that agree."""

import glob
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_clid.data.text import printable
from lit_clid.errors import UserError, few, first_line


@dataclass(frozen=True)
class Columns:
    """The columns that several files have in common.

    Args:
        schema: of pyarrow, theirs.
        differ: names of the columns whose types cannot be brought together or be read, or that
            some files lack.
    """

    schema: Any
    differ: tuple[str, ...]


def read_tables(
    files: Sequence[Path], kind: str, split: str, used: Callable[[Sequence[str]], Sequence[str]]
) -> tuple[Any, tuple[str, ...]]:
    """Read the files one below the other.

    Args:
        files: parquet files, or Arrow's in either of its formats.
        kind: "parquet" or "arrow".
        split: name that the library gives the rows.
        used: which of all columns are read.

    Returns:
        The `datasets` table of the columns on which the files agree, and what a reader should be
        told of the others.

    Raises:
        UserError: for a file that is not of that kind, where there are no rows, or where the files
            do not agree on a column that is read.
    """
    told = {file: _schema(file, kind) for file in files}
    full = [file for file, (_, rows) in told.items() if rows]
    if not full:
        raise UserError(f"{few(list(map(str, files)), 3)}: no rows; give a table that has some")
    columns = _in_common(full, [told[file][0] for file in full])
    needed = used([*columns.schema.names, *columns.differ])
    missing = [name for name in columns.differ if name in needed]
    if missing or not columns.schema.names:
        raise UserError(
            f"{full[0]} and {len(full) - 1} more do not agree on column "
            f"{few(missing or columns.differ)} (another type, one that cannot be read, or missing "
            "from some); write it alike in all, or name other columns"
        )
    try:
        table = (_parquet if kind == "parquet" else _arrow)(full, split, columns)
    except Exception as error:  # the library's own, its builder's and pyarrow's
        raise UserError(
            f"{full[0]}: cannot be read ({first_line(error.__cause__ or error)}); write the file "
            "again"
        ) from None
    if not columns.differ:
        return table, ()
    out = (
        f"left out columns on which the files differ, or that cannot be read: {few(columns.differ)}"
    )
    return table, (out,)


def _schema(file: Path, kind: str) -> tuple[Any, int]:
    """A file's schema, categories as what they stand for, and how many rows it has."""
    import pyarrow as pa

    try:
        if kind == "arrow":
            table = _memory_mapped(file)
            schema, rows = table.schema, table.num_rows
        else:
            import pyarrow.parquet as pq

            with pq.ParquetFile(file) as parquet:
                schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
    except Exception as error:  # pyarrow raises kinds of its own
        raise UserError(f"{file}: not a table of kind {kind} ({first_line(error)})") from None
    for k, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            schema = schema.set(k, field.with_type(field.type.value_type))
    return schema, rows


def _in_common(files: Sequence[Path], schemas: Sequence[Any]) -> Columns:
    import pyarrow as pa

    fields = {}
    names = list(dict.fromkeys(name for schema in schemas for name in schema.names))
    for file, schema in zip(files, schemas, strict=True):
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if twice:
            raise UserError(f"{file}: columns named twice: {few(twice)}; rename one of each")
    for name in names:
        parts = [pa.schema([schema.field(name)]) for schema in schemas if name in schema.names]
        found = _together(parts) if len(parts) == len(schemas) else None
        if found is not None:
            fields[name] = found.field(name)
    common = pa.schema(list(fields.values()), metadata=schemas[0].metadata)
    return Columns(common, tuple(name for name in names if name not in fields))


def _together(parts: Sequence[Any]) -> Any:
    """One schema of all, or None where their types cannot be brought together or be read."""
    import datasets
    import pyarrow as pa

    try:
        found = pa.unify_schemas(list(parts), promote_options="permissive")
        datasets.Features.from_arrow_schema(found)
    except (pa.ArrowException, ValueError, TypeError, NotImplementedError):
        return None
    return found


def _arrow(files: Sequence[Path], split: str, columns: Columns) -> Any:
    """Memory-mapped; what has the common type already is not copied."""
    import datasets

    features = datasets.Features.from_arrow_schema(columns.schema)
    info = datasets.DatasetInfo(features=features)
    parts = []
    for file in files:
        table = _memory_mapped(file).select(columns.schema.names)
        cast = datasets.table.table_cast(table, features.arrow_schema)
        parts.append(datasets.Dataset(datasets.table.InMemoryTable(cast), info=info))
    return datasets.concatenate_datasets(parts, split=split)


def _memory_mapped(file: Path) -> Any:
    """The table of a stream, or of a file with an index."""
    import pyarrow as pa

    with pa.memory_map(str(file)) as source:
        try:
            return pa.ipc.open_stream(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_file(source).read_all()


def _parquet(files: Sequence[Path], split: str, columns: Columns) -> Any:
    """Through the library's cache on disk."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(
        "parquet",
        split=split,
        data_files={split: [_literally(file) for file in files]},
        columns=columns.schema.names,
        features=datasets.Features.from_arrow_schema(columns.schema),
    )


def _literally(file: Path) -> str:
    """A name for the library, which globs again and takes `::` for a chain of file systems."""
    whole = os.path.abspath(file)  # noqa: PTH100  (a link stays one)
    if "::" not in whole and printable(whole) == whole:
        return glob.escape(whole)
    import datasets

    folder = Path(datasets.config.HF_DATASETS_CACHE) / "links"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"{hashlib.blake2b(os.fsencode(whole), digest_size=16).hexdigest()}.parquet"
    if not link.is_symlink():
        link.symlink_to(whole)
    return glob.escape(str(link))
