"""What a control came to, whatever it looked at."""

from dataclasses import dataclass, field
from typing import Any

QUIET, NOTICE, FIRES = "quiet", "notice", "fires"
"""Nothing was found; something that a reader should know; a verdict cannot stand on its own."""


@dataclass(frozen=True)
class Control:
    """One control.

    Args:
        name: in report.json.
        title: what was looked at, in a few words.
        state: `QUIET`, `NOTICE` or `FIRES`.
        words: what was found, in one or two sentences.
        kind: "members" or "suspects", of whom it speaks.
        figures: plain values for report.json.
    """

    name: str
    title: str
    state: str
    words: str
    kind: str
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "state": self.state, **self.figures}
