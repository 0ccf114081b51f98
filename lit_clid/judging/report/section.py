"""What a section of the report is: its words, its JSON, its figures, its HTML and its Markdown.

Everything that publishes a judgement walks the list of sections (`sections.SECTIONS`) and
enumerates nothing of its own, so that a new section is one class in a file of its own and one line
of that list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lit_clid.judging.judge import Judgement
from lit_clid.judging.report.pictures import PictureSource

VERSION = 1
"""Of report.json."""
SCHEMA = Path(__file__).with_name("report.schema.json")
"""What report.json holds, as a JSON Schema."""


@dataclass(frozen=True)
class Report:
    """What a section speaks of.

    Args:
        title: the report's name.
        judgement: of the target.
        pictures: finds a record to show; None shows none.
    """

    title: str
    judgement: Judgement
    pictures: PictureSource | None = None


class Section:
    """One part of the report; it leaves out what it does not override.

    `template` is the jinja text of its HTML, or includes a file of `pages`. It sees `title`,
    `judgement`, `figures` (SVG by name) and what `values` adds; it may come to nothing. On a wide
    page there are two columns: an element of the class "half" takes one, any other both.
    """

    template: ClassVar[str] = ""

    def table(self, report: Report) -> str:
        """Aligned plain text for the terminal, above all sentences."""
        return ""

    def words(self, report: Report) -> str:
        """Sentences for the terminal, a paragraph."""
        return ""

    def markdown(self, report: Report) -> str:
        """A paragraph, list or table of report.md, which is short enough for a model's card."""
        return ""

    def as_json(self, report: Report) -> dict[str, Any]:
        """Keys of report.json that no other section has, as plain values."""
        return {}

    def tables(self, report: Report) -> dict[str, str]:
        """CSV text by name, written as NAME.csv; an empty text says that there is none."""
        return {}

    def figures(self, report: Report) -> dict[str, str]:
        """SVG text by name, written as NAME.svg; an empty text says that nothing is drawn."""
        return {}

    def values(self, report: Report) -> Mapping[str, Any]:
        """What the template shows beside the judgement; only markupsafe's Markup is not escaped."""
        return {}
