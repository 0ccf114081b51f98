"""Text as it was written: the one place that reads captions and names out of cells."""

from typing import Any

from lit_clid.errors import UserError


def as_text(value: Any, where: str) -> str:
    """A cell as text; nothing is guessed of what is not text.

    Args:
        value: text, UTF-8 bytes, a whole number, or None where the cell is missing.
        where: names the file or table and the record, for messages.

    Returns:
        The text unchanged, empty for a missing cell.

    Raises:
        UserError: for bytes that are not UTF-8, and for numbers with a point, dates, truth values
            and everything else whose text as it was written is not known any more.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise UserError(f"{where}: holds half a character (a lone surrogate); mend the text")
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{where}: the text is bytes that are not UTF-8; save it so") from None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value != value:  # how pandas says that a cell is missing
        return ""
    raise UserError(
        f"{where}: holds {value!r} ({type(value).__name__}) where text is needed; how it was "
        "written is lost, so store the column as text"
    )


def printable(name: str) -> str:
    """A file's name that can be written as UTF-8; bytes that are none are spelled out."""
    return name.encode("utf-8", "backslashreplace").decode()
