"""`Auditor`: answers batches in `trainer.predict` and leaves one shard of signals per batch."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from lit_clid import console
from lit_clid.asked import Quarantined
from lit_clid.auditing.ledger import needs_caption
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.quarantine import put_aside, quarantined, refuse_many, too_many
from lit_clid.auditing.questions import Batch
from lit_clid.auditing.several import averaged
from lit_clid.auditing.shards import FULL, pack_shards, write_shard
from lit_clid.auditing.shown import Answered
from lit_clid.auditing.signals import Signals, column_names
from lit_clid.errors import UserError
from lit_clid.models.target import Target, without_tf32

OUT_OF_MEMORY = (
    "the device is out of memory; lower audit.rows (rows per call; gradients need several times "
    "the memory of a plain query) or audit.batch_size: neither changes a score, and finished "
    "batches are kept"
)


class Auditor(L.LightningModule):
    """Ask one model all attacks' questions about each batch.

    Args:
        target: the model under audit.
        attacks: by name.
        seed: of all noise.
        folder: where shards go.
        sample_latents: sample the VAE's posterior instead of taking its mean.
        expected: all records of the table, id → member.
        stays: the model is asked again soon, and stays where it is.
    """

    def __init__(
        self,
        target: Target,
        attacks: Mapping[str, Signals],
        seed: int,
        folder: Path,
        sample_latents: bool,
        expected: Mapping[str, bool | None],
        *,
        stays: bool = False,
    ) -> None:
        super().__init__()
        self.target, self.attacks, self.seed, self.folder = target, attacks, seed, folder
        self.sample_latents, self.expected, self.stays = sample_latents, expected, stays
        told = [name for name, attack in attacks.items() if needs_caption(attack)]
        self._each = partial(self._ask, names=told)
        self._once = partial(self._ask, names=[name for name in attacks if name not in told])
        self._open: dict[Path, int] = {}
        self._aside: dict[str, bool | None] = {}
        self._hopeless = self._out_of_memory = False

    def on_predict_start(self) -> None:
        without_tf32()
        self.target.to(self.device)
        self._rows = self.target.rows

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> Answered | None:
        """Write the batch's signals, and hand them to whoever shows something of them."""
        records = Batch(
            ids=tuple(batch["id"]),
            images=batch["image"],
            captions=tuple(batch["caption"]),
            importance=tuple(batch["importance"]),
            hashes=tuple(batch["image_hash"]),
        )
        if self._out_of_memory or self._hopeless:
            return None  # why is said when all processes hear it
        try:
            oracle = ModelOracle(self.target, records, self.seed, self.sample_latents)
            signals = averaged(self._once, self._each, oracle, batch["captions"])
        except torch.OutOfMemoryError:
            self._out_of_memory = True
            self._end_alone()
            return None
        told = batch["member"].cpu()
        said = [None if kind < 0 else bool(kind) for kind in told.tolist()]
        kept = self._finite(signals, records.ids, said)
        if self._hopeless:
            self._end_alone()
        fine = {column: values[kept] for column, values in signals.items()}
        if kept:
            ids = [records.ids[k] for k in kept]
            member = [said[k] for k in kept]
            rows = {column: values.numpy() for column, values in fine.items()}
            self._pack(write_shard(self.folder, ids, member, rows), len(kept))
        return fine, told[kept]

    def _end_alone(self) -> None:
        """Say what went wrong at once, where no other process waits to hear it."""
        if self.trainer.world_size > 1:
            return
        if self._out_of_memory:
            raise UserError(OUT_OF_MEMORY)
        refuse_many(quarantined(self.folder), self.expected, self.folder)

    def _pack(self, shard: Path, rows: int) -> None:
        """Make one file of the latest shards as soon as they are large enough."""
        self._open[shard] = rows
        if sum(self._open.values()) >= FULL:
            pack_shards(list(self._open))
            self._open.clear()

    def _ask(self, oracle: ModelOracle, names: Sequence[str]) -> dict[str, Tensor]:
        """The columns (B,) of these attacks, float64 on the CPU."""
        signals: dict[str, Tensor] = {}
        for name in names:
            attack = self.attacks[name]
            columns = attack.signal(oracle).cpu().double().unbind(1)
            signals |= dict(zip(column_names(name, attack, self.target), columns, strict=True))
        return signals

    def _finite(
        self, signals: Mapping[str, Tensor], ids: Sequence[str], member: Sequence[bool | None]
    ) -> list[int]:
        """Rows without NaN or infinity; the records of the others are put aside."""
        broken = torch.stack([~torch.isfinite(values) for values in signals.values()], 1).tolist()
        found: dict[str, Quarantined] = {}
        for name, kind, row in zip(ids, member, broken, strict=True):
            if any(row):
                found[name] = Quarantined(member=kind, columns=tuple(compress(signals, row)))
        if found:
            put_aside(self.folder, found)
            self._aside |= {name: each.member for name, each in found.items()}
            self._hopeless = too_many(self._aside, self.expected)
        return [k for k, row in enumerate(broken) if not any(row)]

    def on_predict_end(self) -> None:
        """Make room for the next model."""
        if not self.stays:
            self.target.to(torch.device("cpu"))

    def on_predict_epoch_end(self) -> None:
        """Every rank learns whether any had too little memory, so that all end alike."""
        own = (self._out_of_memory, self.target.rows)
        ranks = [own]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks = [own] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(ranks, own)
        fewest = min(rows for _, rows in ranks)
        if fewest < self._rows:
            console.say(
                f"note: a device had no memory for {self._rows} rows a call, {fewest} were asked "
                "together; no score depends on it"
            )
        if any(out_of_memory for out_of_memory, _ in ranks):
            raise UserError(OUT_OF_MEMORY)
