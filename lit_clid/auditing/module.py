"""`Auditor`: answers batches in `trainer.predict` and leaves one shard of signals per batch."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from lit_clid.auditing.ledger import needs_caption
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.auditing.several import averaged
from lit_clid.auditing.shards import FULL, pack_shards, write_shard
from lit_clid.auditing.shown import Answered
from lit_clid.auditing.signals import Signals, column_names
from lit_clid.errors import UserError, few
from lit_clid.models.target import Target


class Auditor(L.LightningModule):
    """Ask one model all attacks' questions about each batch.

    Args:
        target: the model under audit.
        attacks: by name.
        seed: of all noise.
        folder: where shards go.
        sample_latents: sample the VAE's posterior instead of taking its mean.
    """

    def __init__(
        self,
        target: Target,
        attacks: Mapping[str, Signals],
        seed: int,
        folder: Path,
        sample_latents: bool,
    ) -> None:
        super().__init__()
        self.target, self.attacks, self.seed, self.folder = target, attacks, seed, folder
        self.sample_latents = sample_latents
        told = [name for name, attack in attacks.items() if needs_caption(attack)]
        self._each = partial(self._ask, names=told)
        self._once = partial(self._ask, names=[name for name in attacks if name not in told])
        self._open: dict[Path, int] = {}
        self._broken: list[str] = []
        self._broken_columns: set[str] = set()
        self._out_of_memory = False

    def on_predict_start(self) -> None:
        """Switch TF32 off.

        It rounds float32 convolutions to ten bits, differently for each batch shape.
        """
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.target.to(self.device)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> Answered | None:
        """Write the batch's signals, and hand them to whoever shows something of them."""
        records = Batch(
            ids=tuple(batch["id"]),
            images=batch["image"],
            captions=tuple(batch["caption"]),
            importance=tuple(batch["importance"]),
        )
        if self._out_of_memory:
            return None
        try:
            oracle = ModelOracle(self.target, records, self.seed, self.sample_latents)
            signals = averaged(self._once, self._each, oracle, batch["captions"])
        except torch.OutOfMemoryError:
            self._out_of_memory = True
            return None
        kept = self._finite(signals, records.ids)
        said = batch["member"].cpu()[kept]
        fine = {column: values[kept] for column, values in signals.items()}
        if kept:
            ids = [records.ids[k] for k in kept]
            member = [None if kind < 0 else bool(kind) for kind in said.tolist()]
            rows = {column: values.numpy() for column, values in fine.items()}
            self._pack(write_shard(self.folder, ids, member, rows), len(kept))
        return fine, said

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
            columns = attack.signal(oracle).double().cpu().unbind(1)
            signals |= dict(zip(column_names(name, attack, self.target), columns, strict=True))
        return signals

    def _finite(self, signals: Mapping[str, Tensor], ids: Sequence[str]) -> list[int]:
        """Rows without NaN or infinity.

        The others are remembered for the end, when all else is safe on disk.
        """
        fine = torch.stack([torch.isfinite(values) for values in signals.values()])
        columns = zip(signals, fine.all(1).tolist(), strict=True)
        rows = fine.all(0).tolist()
        self._broken_columns |= {column for column, good in columns if not good}
        self._broken += [name for name, good in zip(ids, rows, strict=True) if not good]
        return [k for k, good in enumerate(rows) if good]

    def on_predict_end(self) -> None:
        """Make room for the next model."""
        self.target.to(torch.device("cpu"))

    def on_predict_epoch_end(self) -> None:
        """Every rank learns what any of them met, so that all end alike."""
        own = (self._broken, self._broken_columns, self._out_of_memory)
        ranks = [own]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks = [own] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(ranks, own)
        if any(out_of_memory for _, _, out_of_memory in ranks):
            raise UserError(
                "the device is out of memory; lower audit.rows (rows per call; gradients need "
                "several times the memory of a plain query) or audit.batch_size: neither changes a "
                "score, and finished batches are kept"
            )
        found = [name for names, _, _ in ranks for name in names]
        columns = sorted({column for _, some, _ in ranks for column in some})
        if found:
            raise UserError(
                f"the model answers NaN or infinity about {len(found)} records: {few(found, 5)} "
                f"({few(columns, 3)}); look at them, leave the attack out or, if the denoiser runs "
                f"in half precision, delete {self.folder} and set audit.precision=32; the rest is "
                "kept"
            )
