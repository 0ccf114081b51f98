"""The one exception class for mistakes a user can mend; the scripts print it as one line and
exit with 2.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """Bad input.

    The message is one line that names the culprit (file, row, key or value) and how to mend it.
    """


class WriteError(UserError):
    """A file or folder that cannot be written.

    Args:
        fault: one line that names it and how to mend it.
        kept: folder where what was finished before lies.
    """

    def __init__(self, fault: str, kept: Path | None = None) -> None:
        super().__init__(fault if kept is None else f"{fault}; what was finished is kept in {kept}")
        self.kept = kept


class LonelyError(UserError):
    """Met by one of several processes alone, which says so itself, whichever it is."""


MOST = 10
"""Items that a message names of a long list."""


class ManyError(UserError):
    """Bad records, of which the message names the first.

    Args:
        before: the message up to their list.
        items: all of them, one a line of the file that `listed_in` names.
        after: how to mend it.
    """

    def __init__(self, before: str, items: Sequence[str], after: str) -> None:
        super().__init__(f"{before}: {few(items)}{after}")
        self.before, self.items, self.after = before, tuple(items), after

    def listed_in(self, file: Path) -> UserError:
        """The same, naming the file that has those which the message leaves out."""
        return UserError(f"{self.before}: {few(self.items)} (all in {file}){self.after}")


def few(items: Sequence[str], most: int = MOST) -> str:
    """Join `items` for a message, cutting a long list with its count."""
    rest = len(items) - most
    return ", ".join(items[:most]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: BaseException, most: int = 160) -> str:
    """The first line of another library's message, for quoting in ours."""
    lines = str(error).strip().splitlines()
    return lines[0][:most] if lines else type(error).__name__


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known name that `word` was probably meant to be; the last part of a dotted name counts
    most.
    """
    last = word.rsplit(".", 1)[-1]
    same = [name for name in known if name.rsplit(".", 1)[-1] == last]
    close = get_close_matches(word, known, 1, 0.5)
    return next(iter([*same, *close]), None)


def suggestion(
    word: str, known: Sequence[str], *, within: str = "", listed: str = "known keys", most: int = 20
) -> str:
    """How a message about an unknown name ends: with the nearest known one, or else with what is
    known.

    Args:
        within: section to write before the nearest name.
    """
    near = nearest(word, known)
    if near is None:
        return f"; {listed}: {few(list(known), most)}"
    return f"; did you mean '{within}{near}'?"
