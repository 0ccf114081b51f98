"""Metadata files of image folders, read as text: metadata.jsonl, metadata.csv, metadata.parquet."""

import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_clid.data.text import as_text
from lit_clid.errors import UserError, few, first_line
from lit_clid.files import decode_text

METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
DELIMITERS = (",", ";", "\t")
BYTES, PIECE = 2**32, 256
"""Most that a parquet file may unpack to, and rows that are unpacked before it is looked at."""
Row = dict[str, Any]


class Rows:
    """Rows with the columns that any of them has; a missing cell is None."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        names = dict.fromkeys(name for row in rows for name in row)
        self.column_names = list(names)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list[Any]:
        return [row.get(column) for row in self.rows]


def read_metadata(file: Path, content: bytes | None = None) -> Rows:
    """The rows of a metadata file, each with its `file_name`; cells are as they were written.

    Args:
        file: for messages, and for its ending.
        content: its bytes; None reads them from it.

    Raises:
        UserError: for a file or row that cannot be read, or a row that names no image.
    """
    held = file.read_bytes() if content is None else content
    rows = read_rows(file, held, ("file_name",))
    nameless: list[str] = []
    for k, row in rows:
        row["file_name"] = as_text(row.get("file_name"), f"{file}: file_name in row {k}")
        if not row["file_name"]:
            nameless.append(str(k))
    if nameless:
        raise UserError(
            f"{file}: no file_name in row {few(nameless)}; each row needs the columns file_name "
            "and text"
        )
    return Rows([row for _, row in rows])


def read_rows(file: Path, content: bytes, wanted: Sequence[str]) -> list[tuple[int, Row]]:
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


def _parquet(file: Path, content: bytes) -> list[tuple[int, Row]]:
    import pyarrow.parquet as pq

    rows, size = list[Row](), 0
    try:
        with pq.ParquetFile(io.BytesIO(content)) as table:
            for batch in table.iter_batches(PIECE):
                size += batch.nbytes
                if size > BYTES:
                    break
                rows += batch.to_pylist()
    except Exception as error:  # pyarrow raises kinds of its own
        raise UserError(f"{file}: not a parquet table ({first_line(error)})") from None
    if size > BYTES:
        raise UserError(
            f"{file}: unpacks to more than {BYTES:,} bytes; write it with the columns that are "
            "needed alone, or in several files"
        )
    return list(enumerate(rows, 1))


def _csv(file: Path, text: str, wanted: Sequence[str]) -> list[tuple[int, Row]]:
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
        rows = list(enumerate(reader, 1))
    except csv.Error as error:
        raise UserError(f"{file}: not a CSV table ({error})") from None
    for k, row in rows:
        if None in row:
            raise UserError(
                f"{file}: row {k} has more cells than the header; put a text that holds {sign!r} "
                "in double quotes"
            )
    return rows


def _jsonl(file: Path, text: str) -> list[tuple[int, Row]]:
    """Lines end where JSON's do: other separators may stand inside a string."""
    lines = enumerate(text.split("\n"), 1)
    return [(k, json_row(line, f"{file}: line {k}")) for k, line in lines if line.strip()]


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
