"""The one exception class for mistakes a user can mend; the scripts print it as one line and
exit with 2.
"""


class UserError(Exception):
    """Bad input.

    The message is one line that names the culprit (file, row, key or value) and how to mend it.
    """


def few(items: list[str], most: int = 10) -> str:
    """Join `items` for a message, cutting a long list with its count."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: BaseException, most: int = 160) -> str:
    """The first line of another library's message, for quoting in ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:most] if lines else type(error).__name__
