"""`RecordSet`: entries of a split as items {id, image_hash, index, image, caption, captions,
member, importance}.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from lit_clid.data.buckets import Shape
from lit_clid.data.counted import side_by_side
from lit_clid.data.entries import Entries
from lit_clid.data.images import StoredImages, fit, to_tensor
from lit_clid.data.source import Source
from lit_clid.data.split import Split
from lit_clid.data.stream import Place
from lit_clid.errors import LonelyError, UserError, first_line
from lit_clid.randomness import generator

Item = dict[str, Any]
SAID = {True: 1, False: 0, None: -1}
"""How a batch says who is a member, who is none, and of whom nobody knows."""
Captioner = Callable[[int], list[str]]
"""How many passes came before → the members' captions in this one."""


class RecordSet(Dataset[Item]):
    """Entries of a split as tensors.

    Args:
        split: the verified split.
        entries: of the split, in the order of their indices.
        side: of the square images in pixels.
        seed: of the crops.
        crops: whether each pass crops anew, a function of (seed, id, pass); else at the centre.
        edit: says what the captions are in a pass; an audit never sets it.
        with_images: whether the items hold an image.
        shapes: width and height of each image; None makes all of them squares.
    """

    def __init__(
        self,
        split: Split,
        entries: Entries,
        side: int,
        seed: int,
        *,
        crops: bool = False,
        edit: Captioner | None = None,
        with_images: bool = True,
        shapes: Sequence[Shape] | None = None,
    ) -> None:
        self.entries, self.side, self.seed, self.crops = entries, side, seed, crops
        self.rows = split.located(entries)
        self.captions = split.captions(entries)
        self.edit, self.with_images, self.shapes = edit, with_images, shapes
        self._edited: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: int | Place) -> Item:
        index, passes = place if isinstance(place, tuple) else (place, 0)
        (source, row), entry = self.rows[index], self.entries[index]
        item = {
            "id": entry.id,
            "image_hash": entry.image_hash,
            "index": index,
            "caption": self.caption(index, passes),
            "captions": source.wordings(row),
            "member": entry.member,
            "importance": source.importance[row] if source.importance else None,
        }
        return item | {"image": self.image(index, passes)} if self.with_images else item

    def image(self, index: int, passes: int = 0) -> Tensor:
        """The image (3, side, side), or of its own shape, in [−1, 1] as the given pass over the
        data sees it.
        """
        source, row = self.rows[index]
        at = 0.5
        if self.crops:
            dice = generator(self.seed, source.ids[row], "crop", passes)
            at = float(torch.rand((), generator=dice))
        shape = (self.side, self.side) if self.shapes is None else self.shapes[index]
        return to_tensor(fit(self._opened(index), shape, at))

    def _opened(self, index: int) -> Image.Image:
        source, row = self.rows[index]
        try:
            return source.open_image(row)
        except UserError:
            raise
        except Exception as error:  # Pillow's decoders raise all kinds on broken files
            raise LonelyError(
                f"{self.entries[index].id}: its image could be read when the split was looked at "
                f"and cannot now ({first_line(error, 80)}); restore it, what was finished is kept"
            ) from None

    def images(self, rows: Sequence[int]) -> Tensor:
        """The images (B, 3, side, side) of some rows as the first pass sees them."""
        return torch.stack([self.image(row) for row in rows])

    def caption(self, index: int, passes: int = 0) -> str:
        """The caption as the given pass over the data sees it."""
        if self.edit is None:
            return self.captions[index]
        if passes not in self._edited:
            # a batch may straddle two passes
            earlier = {p: captions for p, captions in self._edited.items() if p == passes - 1}
            self._edited = {**earlier, passes: self.edit(passes)}
        return self._edited[passes][index]


def collate(items: Sequence[Item]) -> Item:
    """Stack images, indices and members (see `SAID`); keep ids, captions, importances as lists.

    A Poisson batch may be empty.
    """
    if not items:
        return {"id": [], "index": torch.zeros(0, dtype=torch.int64), "caption": []}
    batch: Item = {}
    for key in items[0]:
        batch[key] = [item[key] for item in items]
    if "image" in batch:
        batch["image"] = torch.stack(batch["image"])
    batch["index"] = torch.tensor(batch["index"])
    batch["member"] = torch.tensor([SAID[member] for member in batch["member"]])
    return batch


def image_sizes(split: Split, entries: Entries) -> list[Shape]:
    """Width and height in pixels of the entries' images."""

    def one(place: tuple[Source, int]) -> Shape:
        source, row = place
        images = source.open_image
        return images.size(row) if isinstance(images, StoredImages) else images(row).size

    return list(side_by_side(one, split.located(entries), "looking at images"))
