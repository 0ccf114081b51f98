"""Options of the report: what of the records leaves the run folder with it."""

from dataclasses import dataclass

from lit_clid.config.options.data import DataOptions
from lit_clid.errors import UserError

AUTO = "auto"
PICTURES = (AUTO, "thumbnails", "blurred", "none")
PLAIN = "plain"
IDS = (PLAIN, "hashed")


@dataclass(frozen=True)
class ReportOptions:
    """What the report shows of the records.

    Args:
        pictures: "thumbnails" of the records most surely recognised and of the false alarms,
            "blurred" to twelve pixels a side, or "none"; "auto" shows those of the embedded
            drawings and none of other data.
        captions: whether their captions are shown; null shows those of the embedded drawings alone.
        ids: "plain", or "hashed": the report and the tables beside it call records by names drawn
            at random, and RUN/ids.csv says who is who.
    """

    pictures: str = AUTO
    captions: bool | None = None
    ids: str = "plain"

    def __post_init__(self) -> None:
        for key, value, allowed in (("pictures", self.pictures, PICTURES), ("ids", self.ids, IDS)):
            if value not in allowed:
                raise UserError(f"report.{key}: {value!r} is not one of {', '.join(allowed)}")

    def shows_pictures(self, data: DataOptions) -> str:
        """ "thumbnails", "blurred" or "none"."""
        if self.pictures != AUTO:
            return self.pictures
        return "thumbnails" if data.embedded else "none"

    def shows_captions(self, data: DataOptions) -> bool:
        """Whether captions are shown."""
        return data.embedded if self.captions is None else self.captions
