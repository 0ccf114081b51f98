"""`CaptionedImages`: the records of one role as batches of {id, index, image, caption, member,
importance}.

Training batches come from one endless stream of shuffled passes over the members, cut into full
batches: every record is seen equally often (to within one), and no rank pads or repeats. Private
training takes Poisson samples instead.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

import lightning as L
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lit_clid.config.options.data import DataOptions
from lit_clid.data.scan import Entry
from lit_clid.data.split import Split
from lit_clid.data.stream import Place, Poisson, PoissonStream, TrainingStream
from lit_clid.randomness import generator

Item = dict[str, Any]
Captioner = Callable[[int], list[str]]
"""How many passes came before → the members' captions in this one."""


def to_tensor(image: Image.Image) -> Tensor:
    """RGB image → (3, H, W) float32 in [−1, 1]."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).float() / 127.5 - 1


def fit_square(image: Image.Image, side: int, at: float = 0.5) -> Image.Image:
    """Resize the shorter side to `side` (bilinear) and crop a square.

    Args:
        image: RGB.
        side: in pixels.
        at: where the square lies, as a fraction of what overhangs.
    """
    width, height = image.size
    scale = side / min(width, height)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    resized = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
    left, top = round(at * (size[0] - side)), round(at * (size[1] - side))
    return resized.crop((left, top, left + side, top + side))


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
    """

    def __init__(
        self,
        split: Split,
        entries: Sequence[Entry],
        side: int,
        seed: int,
        *,
        crops: bool = False,
        edit: Captioner | None = None,
        with_images: bool = True,
    ) -> None:
        place = split.locate()
        self.entries, self.side, self.seed, self.crops = tuple(entries), side, seed, crops
        self.rows = [place[entry.id] for entry in entries]
        self.captions = [source.captions[row] for source, row in self.rows]
        self.others = [source.others[row] if source.others else () for source, row in self.rows]
        self.edit, self.with_images = edit, with_images
        self._edited: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, place: int | Place) -> Item:
        index, passes = place if isinstance(place, tuple) else (place, 0)
        (source, row), entry = self.rows[index], self.entries[index]
        item = {
            "id": entry.id,
            "index": index,
            "caption": self.caption(index, passes),
            "member": entry.member,
            "importance": source.importance[row] if source.importance else None,
        }
        return item | {"image": self.image(index, passes)} if self.with_images else item

    def image(self, index: int, passes: int = 0) -> Tensor:
        """The image (3, side, side) in [−1, 1] as the given pass over the data sees it."""
        source, row = self.rows[index]
        roll = float(
            torch.rand((), generator=generator(self.seed, source.ids[row], "crop", passes))
        )
        return to_tensor(fit_square(source.open_image(row), self.side, roll if self.crops else 0.5))

    def images(self, rows: Sequence[int]) -> Tensor:
        """The images (B, 3, side, side) of some rows as the first pass sees them."""
        return torch.stack([self.image(row) for row in rows])

    def caption(self, index: int, passes: int = 0) -> str:
        """The caption as the given pass over the data sees it."""
        if self.edit is None:
            return self.captions[index]
        if passes not in self._edited:
            earlier = {p: captions for p, captions in self._edited.items() if p == passes - 1}
            self._edited = {**earlier, passes: self.edit(passes)}  # a batch may straddle two passes
        return self._edited[passes][index]


def collate(items: Sequence[Item]) -> Item:
    """Stack images, indices and members; keep ids, captions and importances as lists.

    A Poisson batch may be empty.
    """
    if not items:
        return {"id": [], "index": torch.zeros(0, dtype=torch.int64), "caption": []}
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
        edit: says what the members' captions are in a pass of training.
        poisson: whether training takes Poisson samples, and with which dice.
        member_images: whether training batches hold images.
    """

    def __init__(
        self,
        split: Split,
        options: DataOptions,
        role: str,
        *,
        seed: int,
        side: int,
        batch_size: int,
        finished: Collection[str] = (),
        edit: Captioner | None = None,
        poisson: Poisson | None = None,
        member_images: bool = True,
    ) -> None:
        super().__init__()
        self.options, self.role, self.seed, self.batch_size = options, role, seed, batch_size
        self.poisson = poisson
        self.members = RecordSet(
            split,
            split.of(role, True),
            side,
            seed,
            crops=options.random_crop,
            edit=edit,
            with_images=member_images,
        )
        self.holdouts = RecordSet(split, split.of(role, False), side, seed)
        pending = [entry for entry in split.of(role) if entry.id not in finished]
        self.audited = RecordSet(split, pending, side, seed)
        self._split, self._side = split, side

    @cached_property
    def known(self) -> RecordSet:
        """The members as an audit sees them."""
        return RecordSet(self._split, self.members.entries, self._side, self.seed)

    @cached_property
    def auxiliary(self) -> RecordSet:
        """Hold-outs of the other role, on which this role's model is never audited."""
        own = {entry.id for entry in self._split.of(self.role)}
        foreign = [
            e
            for e in self._split.entries
            if e.role != self.role and not e.member and e.id not in own
        ]
        return RecordSet(self._split, foreign, self._side, self.seed)

    @property
    def captions(self) -> list[str]:
        """Captions of all members and hold-outs of the role."""
        return [*self.members.captions, *self.holdouts.captions]

    def train_dataloader(self) -> DataLoader[Item]:
        assert self.trainer is not None
        trainer, count = self.trainer, len(self.members)
        total = trainer.max_steps * trainer.accumulate_grad_batches

        def start() -> int:
            return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)

        batches: Sampler[list[Place]]
        if self.poisson is None:
            ranks = {"rank": trainer.global_rank, "world": trainer.world_size}
            batches = TrainingStream(count, self.batch_size, total, self.seed, start=start, **ranks)
        else:
            batches = PoissonStream(
                count, self.batch_size / count, total, self.poisson, start=start
            )
        return ResumableLoader(
            self.members,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=self.options.workers,
        )

    def val_dataloader(self) -> DataLoader[Item]:
        return self._in_order(self.holdouts)

    def predict_dataloader(self) -> DataLoader[Item]:
        return self._in_order(self.audited)

    def _in_order(self, records: RecordSet) -> DataLoader[Item]:
        return DataLoader(
            records,
            batch_size=self.batch_size,
            collate_fn=collate,
            num_workers=self.options.workers,
        )


class ResumableLoader(DataLoader[Item]):
    """Tells Lightning that resuming in mid-epoch is exact.

    The place itself is the trainer's batch count.
    """

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore: `TrainingStream.start` reads the trainer's restored progress."""
