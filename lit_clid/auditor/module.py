"""`Auditor`: answers batches in `trainer.predict` and leaves one shard of signals per batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from lit_clid.attacks import Attack, column_names
from lit_clid.errors import UserError, few
from lit_clid.oracle import Oracle, Records
from lit_clid.scores import write_shard
from lit_clid.targets.stable_diffusion import StableDiffusion


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
        self, target: StableDiffusion, attacks: Mapping[str, Attack], seed: int, folder: Path, sample_latents: bool
    ) -> None:
        super().__init__()
        self.target, self.attacks, self.seed, self.folder = target, attacks, seed, folder
        self.sample_latents = sample_latents
        self._broken: list[str] = []

    def on_predict_start(self) -> None:
        """TF32 rounds float32 convolutions to ten bits, differently for each batch shape; an audit wants float32."""
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        self.target.to(self.device)

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        records = Records(tuple(batch["id"]), batch["image"], tuple(batch["caption"]), tuple(batch["importance"]))
        oracle = Oracle(self.target, records, self.seed, self.sample_latents)
        signals: dict[str, Tensor] = {}
        for name, attack in self.attacks.items():
            columns = attack.signal(oracle).double().cpu().unbind(1)
            signals |= dict(zip(column_names(name, attack, self.target), columns, strict=True))
        kept = self._finite(signals, records.ids)
        if kept:
            rows = {column: values[kept].numpy() for column, values in signals.items()}
            write_shard(self.folder, [records.ids[k] for k in kept], batch["member"].cpu().numpy()[kept], rows)

    def _finite(self, signals: Mapping[str, Tensor], ids: Sequence[str]) -> list[int]:
        """Rows without NaN or infinity; the others are remembered for the end, when all else is safe on disk."""
        good = torch.stack([torch.isfinite(values) for values in signals.values()]).all(0).tolist()
        self._broken += [name for name, fine in zip(ids, good, strict=True) if not fine]
        return [k for k, fine in enumerate(good) if fine]

    def on_predict_end(self) -> None:
        """Make room for the next model."""
        self.target.to(torch.device("cpu"))

    def on_predict_epoch_end(self) -> None:
        """Every rank learns what any of them met, so that all end alike."""
        broken = [self._broken]
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            broken = [[] for _ in range(torch.distributed.get_world_size())]
            torch.distributed.all_gather_object(broken, self._broken)
        found = [name for rank in broken for name in rank]
        if found:
            raise UserError(
                f"the model answers NaN or infinity about {len(found)} records: {few(found, 5)}; look at them or, if "
                f"the denoiser runs in half precision, delete {self.folder} and set audit.precision=32; the rest "
                "is kept"
            )
