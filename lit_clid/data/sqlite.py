"""Tables of SQLite files as rows, read only."""

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from lit_clid.data.metadata import Row
from lit_clid.errors import UserError, few, first_line

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) != 'sqlite_'"


def read_sqlite(file: Path, table: str | None) -> list[tuple[int, Row]]:
    """The rows of a table by number, from 1 on, in its own order.

    Args:
        file: that holds it; nothing is written to it or beside it.
        table: its name; None takes the only one.

    Raises:
        UserError: if the file or the table cannot be read, or several could be meant.
    """
    import sqlite3

    logs = [file.with_name(f"{file.name}-{kind}") for kind in ("wal", "journal")]
    open_logs = [log.name for log in logs if log.is_file() and log.stat().st_size]
    if open_logs:
        raise UserError(
            f"{file}: {few(open_logs)} beside it holds what was not written to it yet; close what "
            "writes it, or run: PRAGMA wal_checkpoint(TRUNCATE)"
        )
    address = f"file:{quote(str(file.resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as opened:
            opened.execute("PRAGMA trusted_schema = OFF")
            name = _one([str(row[0]) for row in opened.execute(TABLES)], table, file)
            quoted = name.replace('"', '""')
            told = opened.execute(f'SELECT * FROM "{quoted}"')  # nosec B608
            columns = [column[0] for column in told.description]
            return [(k, dict(zip(columns, row, strict=True))) for k, row in enumerate(told, 1)]
    except sqlite3.Error as error:
        raise UserError(
            f"{file}: cannot be read as SQLite ({first_line(error, 80)}); check the file"
        ) from None


def _one(names: list[str], table: str | None, file: Path) -> str:
    """The table that is meant."""
    if table is None and len(names) == 1:
        return names[0]
    if table in names and table is not None:
        return table
    if not names:
        raise UserError(f"{file}: no table; give a file that holds one")
    said = "several tables" if table is None else f"no table '{table}'"
    raise UserError(f"{file}: {said} (found: {few(names)}); name one with data.config=NAME")
