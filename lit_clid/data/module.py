"""`CaptionedImages`: the records of one role as batches of {id, index, image, caption, member, importance}.

Training batches come from one endless stream of shuffled passes over the members, cut into full batches: batch k is a
pure function of (seed, k), so a resumed run continues with the batch it would have had, every record is seen equally
often (to within one), and no rank pads or repeats.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lit_clid.data.options import DataOptions
from lit_clid.data.scan import Entry
from lit_clid.data.split import Split
from lit_clid.randomness import generator, permutation

Item = dict[str, Any]
Place = tuple[int, int]
"""(index of a member, how many passes came before)."""


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image → (3, H, W) float32 in [−1, 1]."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).float() / 127.5 - 1


def fit_square(image: Image.Image, side: int, at: float = 0.5) -> Image.Image:
    """Resize the shorter side to `side` (bilinear) and crop a square at the fraction `at` of what overhangs."""
    width, height = image.size
    scale = side / min(width, height)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    resized = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    left, top = round(at * (size[0] - side)), round(at * (size[1] - side))
    return resized.crop((left, top, left + side, top + side))


class Records(Dataset[Item]):
    """Entries of a split as tensors; with `augment` each pass crops and flips anew, a function of (seed, id, pass)."""

    def __init__(
        self, split: Split, entries: Sequence[Entry], side: int, augment: tuple[bool, bool], seed: int
    ) -> None:
        place = split.locate()
        self.entries, self.side, self.augment, self.seed = tuple(entries), side, augment, seed
        self.rows = [place[entry.id] for entry in entries]
        self.captions = [source.captions[row] for source, row in self.rows]
        self.with_images = True

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: int | Place) -> Item:
        index, passes = place if isinstance(place, tuple) else (place, 0)
        (source, row), entry = self.rows[index], self.entries[index]
        item = {
            "id": entry.id,
            "index": index,
            "caption": self.captions[index],
            "member": entry.member,
            "importance": source.importance[row] if source.importance else None,
        }
        return item | {"image": self.image(index, passes)} if self.with_images else item

    def image(self, index: int, passes: int = 0) -> Tensor:
        """The image (3, side, side) in [−1, 1] as the given pass over the data sees it."""
        source, row = self.rows[index]
        crop, flip = self.augment
        roll = torch.rand(2, generator=generator(self.seed, source.ids[row], "augment", passes)).tolist()
        image = fit_square(source.open_image(row), self.side, roll[0] if crop else 0.5)
        if flip and roll[1] < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return to_tensor(image)


class TrainingStream(Sampler[list[Place]]):
    """Batches start…total−1 of the endless stream; with several ranks each takes its slice of every batch.

    Args:
        count: members.
        batch_size: per rank.
        total: batches of a whole training run.
        seed: of the shuffles.
        rank, world: of this process.
        start: called when iteration begins; how many batches were already trained on.
    """

    def __init__(
        self, count: int, batch_size: int, total: int, seed: int, *, rank: int = 0, world: int = 1,
        start: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        self.count, self.batch_size, self.total, self.seed = count, batch_size, total, seed
        self.rank, self.world, self.start = rank, world, start
        self._order: tuple[int, list[int]] = (-1, [])

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[list[Place]]:
        for k in range(self.start(), self.total):
            first = (k * self.world + self.rank) * self.batch_size
            yield [self._place(position) for position in range(first, first + self.batch_size)]

    def _place(self, position: int) -> Place:
        passes, within = divmod(position, self.count)
        if self._order[0] != passes:
            self._order = (passes, permutation(self.count, self.seed, "pass", passes))
        return self._order[1][within], passes


def collate(items: Sequence[Item]) -> Item:
    """Stack images, indices and members; keep ids, captions and importances as lists."""
    batch: Item = {key: [item[key] for item in items] for key in items[0]}
    if "image" in batch:
        batch["image"] = torch.stack(batch["image"])
    batch["index"], batch["member"] = torch.tensor(batch["index"]), torch.tensor(batch["member"])
    return batch


class CaptionedImages(L.LightningDataModule):
    """The records of one role.

    Args:
        split: the verified split.
        options: data options.
        role: "target" or "shadow".
        seed: of shuffles and augmentation.
        side: of the square images in pixels.
        batch_size: per rank, of training or of the audit.
        finished: ids that the audit need not be asked about again.
    """

    def __init__(
        self, split: Split, options: DataOptions, role: str, *, seed: int, side: int, batch_size: int,
        finished: Collection[str] = (),
    ) -> None:  # fmt: skip
        super().__init__()
        self.options, self.role, self.seed, self.batch_size = options, role, seed, batch_size
        augment = (options.random_crop, options.random_flip)
        plain = (False, False)
        self.members = Records(split, split.of(role, True), side, augment, seed)
        self.holdouts = Records(split, split.of(role, False), side, plain, seed)
        pending = [entry for entry in split.of(role) if entry.id not in finished]
        self.audited = Records(split, pending, side, plain, seed)

    @property
    def captions(self) -> list[str]:
        """Captions of all members and hold-outs of the role."""
        return [*self.members.captions, *self.holdouts.captions]

    @property
    def augments(self) -> bool:
        """True if a member's pixels differ from pass to pass."""
        return any(self.members.augment)

    def train_dataloader(self) -> DataLoader[Item]:
        assert self.trainer is not None
        trainer = self.trainer
        batches = TrainingStream(
            len(self.members),
            self.batch_size,
            trainer.max_steps * trainer.accumulate_grad_batches,
            self.seed,
            rank=trainer.global_rank,
            world=trainer.world_size,
            start=lambda: trainer.fit_loop.epoch_loop.batch_progress.current.ready,
        )
        return ResumableLoader(
            self.members, batch_sampler=batches, collate_fn=collate, num_workers=self.options.workers
        )

    def val_dataloader(self) -> DataLoader[Item]:
        return self._in_order(self.holdouts)

    def predict_dataloader(self) -> DataLoader[Item]:
        return self._in_order(self.audited)

    def _in_order(self, records: Records) -> DataLoader[Item]:
        return DataLoader(records, batch_size=self.batch_size, collate_fn=collate, num_workers=self.options.workers)


class ResumableLoader(DataLoader[Item]):
    """Tells Lightning that resuming in mid-epoch is exact; the place itself is the trainer's batch count."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore: `TrainingStream.start` reads the trainer's restored progress."""
