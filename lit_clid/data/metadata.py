"""Metadata files of image folders, read as text: metadata.jsonl, metadata.csv, metadata.parquet."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from lit_clid.data.text import as_text
from lit_clid.data.texts import Column, TextColumn
from lit_clid.errors import UserError, few, first_line
from lit_clid.files import decode_text

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
DELIMITERS = (",", ";", "\t")
BYTES, PIECE = 2**32, 256
"""Most that a parquet file may unpack to, and rows that are unpacked before it is looked at."""
Row = dict[str, Any]


class Cells(Column[Any]):
    """The cells of a column: texts in one piece, None where one is missing, and anything else by
    itself.
    """

    def __init__(self, missing: int = 0) -> None:
        self._texts = TextColumn([""] * missing)
        self._others: dict[int, Any] = {}
        self._there = bytearray(missing)

    def append(self, value: Any) -> None:
        """Add one behind the last."""
        plain = type(value) is str
        self._texts.append(value if plain else "")
        self._there.append(value is not None)
        if not plain and value is not None:
            self._others[len(self) - 1] = value

    def __len__(self) -> int:
        return len(self._there)

    def at(self, row: int) -> Any:
        if not self._there[row]:
            return None
        return self._others[row] if row in self._others else self._texts.at(row)


class Rows:
    """Rows with the columns that any of them has; a missing cell is None."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._columns: dict[str, Cells] = {}
        self._count = 0
        self.extend(rows)

    def append(self, row: Row) -> None:
        """Add one below the last."""
        for name in row:
            if name not in self._columns:
                self._columns[name] = Cells(self._count)
        for name, cells in self._columns.items():
            cells.append(row.get(name))
        self._count += 1

    def extend(self, rows: Iterable[Row]) -> None:
        """Add some below the last."""
        for row in rows:
            self.append(row)

    @property
    def column_names(self) -> list[str]:
        """Of every column."""
        return list(self._columns)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, column: str) -> Sequence[Any]:
        return self._columns[column] if column in self._columns else [None] * self._count

    def __iter__(self) -> Iterator[Row]:
        for k in range(self._count):
            yield {name: cells[k] for name, cells in self._columns.items()}


def read_metadata(file: Path, content: bytes | None = None) -> Rows:
    """The rows of a metadata file, each with its `file_name`; cells are as they were written.

    Args:
        file: for messages, and for its ending.
        content: its bytes; None reads them from it.

    Raises:
        UserError: for a file or row that cannot be read, or a row that names no image.
    """
    held = file.read_bytes() if content is None else content
    rows, nameless = Rows(), list[str]()
    for k, row in read_rows(file, held, ("file_name",)):
        row["file_name"] = as_text(row.get("file_name"), f"{file}: file_name in row {k}")
        if not row["file_name"]:
            nameless.append(str(k))
        rows.append(row)
    if nameless:
        raise UserError(
            f"{file}: no file_name in row {few(nameless)}; each row needs the columns file_name "
            "and text"
        )
    return rows


def read_rows(file: Path, content: bytes, wanted: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a table by number, from 1 on (lines, of JSON lines); cells are as they were
    written.

    Args:
        file: for messages, and for its ending: .parquet, .csv, .tsv, or else JSON lines.
        content: its bytes.
        wanted: columns by which the delimiter of a CSV is told.

    Raises:
        UserError: if it cannot be read.
    """
    ending = file.suffix.lower()
    if ending == ".parquet":
        return _parquet(file, content)
    text = decode_text(content, str(file))
    return _csv(file, text, wanted) if ending in (".csv", ".tsv") else _jsonl(file, text)


def _parquet(file: Path, content: bytes) -> Iterator[tuple[int, Row]]:
    import pyarrow.parquet as pq

    before = size = 0
    try:
        with pq.ParquetFile(io.BytesIO(content)) as table:
            for batch in table.iter_batches(PIECE):
                size += batch.nbytes
                if size > BYTES:
                    break
                yield from enumerate(batch.to_pylist(), before + 1)
                before += len(batch)
    except Exception as error:  # pyarrow raises kinds of its own
        raise UserError(f"{file}: not a parquet table ({first_line(error)})") from None
    if size > BYTES:
        raise UserError(
            f"{file}: unpacks to more than {BYTES:,} bytes; write it with the columns that are "
            "needed alone, or in several files"
        )


def _csv(file: Path, text: str, wanted: Sequence[str]) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(sys.maxsize)  # captions may be long
    header = re.split(r"[\r\n]", text, maxsplit=1)[0]
    cells = {sign: next(csv.reader([header], delimiter=sign), []) for sign in DELIMITERS}
    usual = "\t" if file.suffix.lower() == ".tsv" else ","
    sign = next((sign for sign in DELIMITERS if set(wanted) & set(cells[sign])), usual)
    twice = sorted({name for name in cells[sign] if cells[sign].count(name) > 1})
    if twice:
        raise UserError(f"{file}: columns named twice: {few(twice)}; rename one of each")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    try:
        for k, row in enumerate(reader, 1):
            if None in row:
                raise UserError(
                    f"{file}: row {k} has more cells than the header; put a text that holds "
                    f"{sign!r} in double quotes"
                )
            yield k, row
    except csv.Error as error:
        raise UserError(f"{file}: not a CSV table ({error})") from None


def _jsonl(file: Path, text: str) -> Iterator[tuple[int, Row]]:
    """Lines end where JSON's do: other separators may stand inside a string."""
    start = 0
    for k in count(1):
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        if line.strip():
            yield k, json_row(line, f"{file}: line {k}")
        if end < 0:
            return
        start = end + 1


def json_row(text: str, where: str) -> Row:
    """The keys of a JSON object and what stands there.

    Args:
        text: of one object.
        where: names it, for messages.

    Raises:
        UserError: if it is none.
    """
    row = read_json(text, where)
    if not isinstance(row, dict):
        raise UserError(f'{where} is not a JSON object, such as {{"text": …}}')
    return row


def read_json(text: str, where: str) -> Any:
    """JSON whose numbers are text, as they were written.

    Raises:
        UserError: if it is none.
    """
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (json.JSONDecodeError, RecursionError) as error:
        why = getattr(error, "msg", "nested too deeply")
        raise UserError(f"{where} is not valid JSON ({why}); mend it") from None
