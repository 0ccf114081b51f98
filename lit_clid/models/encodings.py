"""Latents and text embeddings that stay the same from step to step, encoded once."""

from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lit_clid.data.module import Records
from lit_clid.models.families.stable_diffusion import StableDiffusion


class Encodings:
    """Latents (N, C, h, w) and embeddings (N, L, D) of records, on the CPU, or None where they are
    not kept.

    A moving average of their owner shares, not copies, them.
    """

    def __init__(self) -> None:
        self.latents: Tensor | None = None
        self.embeddings: Tensor | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Encodings":
        return self

    @torch.no_grad()
    def fill(
        self, target: StableDiffusion, records: Records, *, latents: bool, embeddings: bool
    ) -> None:
        """Encode what is to be kept and is not there yet."""
        chunks = [range(k, min(k + 32, len(records))) for k in range(0, len(records), 32)]
        if latents and self.latents is None:
            bar = tqdm(chunks, "encoding images", leave=False)
            self.latents = torch.cat([target.encode(records.images(rows)).cpu() for rows in bar])
        if embeddings and self.embeddings is None:
            parts = [target.embed([records.caption(row) for row in rows]).cpu() for rows in chunks]
            self.embeddings = torch.cat(parts)
