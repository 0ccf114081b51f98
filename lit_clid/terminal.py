"""Output that any terminal can print and that never ends the work."""

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

SIGNS = {
    "─": "-", "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "·": ".", "•": "*",
    "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "±": "+-", "→": "->", "∞": "inf", "√": "sqrt",
    "∇": "nabla", "∈": "in", "‖": "||", "│": "|", "█": "#", "’": "'", "‘": "'", "“": '"', "”": '"',
}  # fmt: skip
"""What is written for a sign that a terminal lacks."""
ERRORS = "lit_clid.legible"
"""The name under which Python's streams know `legible`."""


def legible(error: UnicodeError) -> tuple[str, int]:
    """Replacement in ASCII for signs that cannot be encoded: an error handler of `codecs`.

    Greek letters are named, powers and indices are digits; whatever is left is escaped as in a
    Python string, so that names of files stay distinct.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(map(_in_ascii, signs)), error.end


def _in_ascii(sign: str) -> str:
    if sign in SIGNS:
        return SIGNS[sign]
    name = unicodedata.name(sign, "")
    if name.startswith("GREEK SMALL LETTER ") and name.count(" ") == 3:
        return name.rpartition(" ")[2].lower()
    if name.startswith("GREEK CAPITAL LETTER ") and name.count(" ") == 3:
        return name.rpartition(" ")[2].capitalize()
    if name.startswith(("SUPERSCRIPT ", "SUBSCRIPT ")):
        plain = unicodedata.normalize("NFKD", sign)
        return SIGNS.get(plain, plain)
    return sign.encode("ascii", "backslashreplace").decode("ascii")


class Steady:
    """A stream of text that is silent once nothing takes what is written to it.

    Everything else is the stream's own.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except OSError:  # `lit-clid audit … | head -1`, a terminal that was closed, a full disk
            self._silence()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError:
            self._silence()

    def _silence(self) -> None:
        """What is still to come goes nowhere; Python would complain once more when it exits."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)


@contextmanager
def spoken() -> Iterator[None]:
    """While a command runs: stdout and stderr print what they can and raise nothing."""
    codecs.register_error(ERRORS, legible)
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    # a stream is None where the process was started without it
    sys.stdout, sys.stderr = (s and cast(TextIO, Steady(s)) for s in before)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before
