"""`CaptionedImages`: the records of one role as batches.

Training batches come from one endless stream of shuffled passes over the members, cut into full
batches: every record is seen equally often (to within one), and no rank pads or repeats. Private
training takes Poisson samples instead.
"""

import atexit
import signal
from collections.abc import Collection, Sequence
from functools import cached_property
from multiprocessing import active_children
from typing import Any

import lightning as L
from torch.utils.data import DataLoader, Sampler

from lit_clid.config.options.data import DataOptions
from lit_clid.data.buckets import Bucketing, BucketStream, Shape
from lit_clid.data.entries import Members
from lit_clid.data.records import Captioner, Item, RecordSet, collate, image_sizes
from lit_clid.data.split import Split
from lit_clid.data.stream import Place, Poisson, PoissonStream, TrainingStream, Turns
from lit_clid.data.texts import TextColumn
from lit_clid.ids import Ids


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
        bucketing: the shapes that members are cut to; None makes all of them squares.
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
        bucketing: Bucketing | None = None,
    ) -> None:
        super().__init__()
        self.options, self.role, self.seed, self.batch_size = options, role, seed, batch_size
        self.poisson = poisson
        inside = split.of(role, True)
        self.shapes: tuple[Shape, ...] | None = None
        if bucketing is not None:
            self.shapes = bucketing.assign(image_sizes(split, inside), batch_size)
        self.members = RecordSet(
            split,
            inside,
            side,
            seed,
            crops=options.random_crop,
            edit=edit,
            with_images=member_images,
            shapes=self.shapes,
        )
        self.holdouts = RecordSet(split, split.once(split.of(role, False)), side, seed)
        own = split.of(role)
        pending = own.take(Ids(finished).places(own.ids) < 0)
        self.audited = RecordSet(split, pending, side, seed)
        self._split, self._side = split, side

    @property
    def expected(self) -> Members:
        """Every record of the role, asked about or not: id → member, None for a suspect."""
        return Members(self._split.of(self.role))

    @cached_property
    def known(self) -> RecordSet:
        """The members as an audit sees them, each image once."""
        own = self._split.once(self.members.entries)
        return RecordSet(self._split, own, self._side, self.seed)

    @cached_property
    def auxiliary(self) -> RecordSet:
        """Hold-outs of the other role, on which this role's model is never audited."""
        spare = self._split.spare(self.role)
        return RecordSet(self._split, spare, self._side, self.seed)

    @property
    def captions(self) -> Sequence[str]:
        """Captions under which the members and hold-outs of the role are asked about."""
        found = TextColumn()
        for records in (self.members, self.holdouts):
            for captions in self._split.worded(records.entries):
                for caption in captions:
                    found.append(caption)
        return found

    def train_dataloader(self) -> DataLoader[Item]:
        assert self.trainer is not None
        trainer, count = self.trainer, len(self.members)
        total = trainer.max_steps * trainer.accumulate_grad_batches

        def start() -> int:
            return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)

        ranks = {"rank": trainer.global_rank, "world": trainer.world_size}
        batches: Sampler[list[Place]]
        if self.shapes is not None:
            shapes, size = self.shapes, self.batch_size
            batches = BucketStream(shapes, size, total, self.seed, start=start, **ranks)
        elif self.poisson is None:
            batches = TrainingStream(count, self.batch_size, total, self.seed, start=start, **ranks)
        else:
            rate = self.batch_size / count
            batches = PoissonStream(count, rate, total, self.poisson, start=start)
        return ResumableLoader(
            self.members,
            batch_sampler=batches,
            collate_fn=collate,
            **self._loading(),
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """The hold-outs, dealt to the processes like what is asked."""
        return self._in_order(self.holdouts)

    @property
    def validated_by_any(self) -> int:
        """Most batches of hold-outs that any process has."""
        assert self.trainer is not None
        world, count = self.trainer.world_size, len(self.holdouts)
        first = len(Turns(count, self.batch_size, world=world)) if count >= world else count
        return -(-first // self.batch_size)

    def predict_dataloader(self) -> DataLoader[Item]:
        """The records that are asked about, whole batches dealt to the processes in turn."""
        return self._in_order(self.audited)

    def _in_order(self, records: RecordSet) -> DataLoader[Item]:
        trainer, own = self.trainer, None
        if trainer is not None and len(records) >= trainer.world_size > 1:  # otherwise each has all
            ranks = {"rank": trainer.global_rank, "world": trainer.world_size}
            own = Turns(len(records), self.batch_size, **ranks)
        return DataLoader(
            records,
            batch_size=self.batch_size,
            sampler=own,
            collate_fn=collate,
            **self._loading(),
        )

    def _loading(self) -> dict[str, Any]:
        """How batches come to the device: from pinned memory to a card, without waiting."""
        trainer = self.trainer
        return {
            "num_workers": self.options.workers,
            "worker_init_fn": leave_signals,
            "pin_memory": trainer is not None and trainer.strategy.root_device.type == "cuda",
        }


@atexit.register
def end_loading() -> None:
    """Kill whoever still loads when this process ends, as after an error: it leaves the gentler
    signal alone that multiprocessing would send, and would be waited for without end.
    """
    for process in active_children():
        if process.daemon:
            process.kill()


def leave_signals(worker: int) -> None:
    """Leave SIGTERM and Ctrl-C, which a scheduler or terminal sends to all processes, to the one
    that trains or asks: it ends the others when it has finished its step.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


class ResumableLoader(DataLoader[Item]):
    """Tells Lightning that resuming in mid-epoch is exact.

    The place itself is the trainer's batch count.
    """

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore: `TrainingStream.start` reads the trainer's restored progress."""
