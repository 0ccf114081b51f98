"""Records as the page shows them."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from lit_clid.judging import pages


@dataclass(frozen=True)
class Picture:
    """One record.

    Args:
        id: the record's.
        caption: as the model was asked.
        image: of any size.
        score: the headline attack's, larger = more member-like.
        member: true for a record the model was trained on.
    """

    id: str
    caption: str
    image: Image.Image
    score: float
    member: bool

    @property
    def data_url(self) -> str:
        """The image, at most 128 pixels wide, as a data: URL."""
        return pages.data_url(self.image, 128)


PictureSource = Callable[[str, float, bool], Picture]
"""(id, score, member) → the record as the page shows it."""
