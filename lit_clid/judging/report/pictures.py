"""Records as the page shows them."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from lit_clid.judging import pages

WIDE, BLURRED = 128, 12
"""Pixels of a thumbnail, and of one on which nothing can be made out."""


@dataclass(frozen=True)
class Picture:
    """One record.

    Args:
        id: the record's.
        caption: as the model was asked.
        image: of any size; None shows none.
        score: the headline attack's, larger = more member-like.
        member: true for a record the model was trained on.
        most: pixels that it is at most wide and high on the page.
    """

    id: str
    caption: str
    image: Image.Image | None
    score: float
    member: bool
    most: int = WIDE

    @property
    def data_url(self) -> str | None:
        """The image as a data: URL; None shows none."""
        return None if self.image is None else pages.data_url(self.image, self.most)


PictureSource = Callable[[str, float, bool], Picture]
"""(id, score, member) → the record as the page shows it."""
