"""Latents and text embeddings that stay the same from step to step, encoded once."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lit_clid.models.embedding import Embedding, cat
from lit_clid.models.memory import Memory
from lit_clid.models.target import Target

CHUNK = 32
"""Records that are encoded together."""


class Encodings:
    """Latents z_0 (N, C, h, w) and the embedding (N rows) of records, on the CPU.

    Either is None where it is not kept. Hold-outs are kept by batches. A moving average of their
    owner shares, not copies, them.
    """

    def __init__(self) -> None:
        self.latents: Tensor | None = None
        self.embedding: Embedding | None = None
        self._again = Memory()

    @property
    def complete(self) -> bool:
        """Whether both are kept."""
        return self.latents is not None and self.embedding is not None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Encodings":
        return self

    @torch.no_grad()
    def keep_latents(
        self, target: Target, images: Callable[[Sequence[int]], Tensor], count: int
    ) -> None:
        """Encode the images of rows 0…count−1, unless they are there."""
        if self.latents is None:
            chunks = tqdm(_chunks(count), "encoding images", leave=False, disable=None)
            parts = [target.encode(images(rows)).cpu() for rows in chunks]
            self.latents = torch.cat(parts)

    @torch.no_grad()
    def keep_embedding(self, target: Target, captions: Sequence[str], most: float = inf) -> None:
        """Embed the captions, unless they are there.

        Args:
            most: bytes; where they would be more, none is kept.
        """
        if self.embedding is not None:
            return
        cpu, parts = torch.device("cpu"), list[Embedding]()
        for rows in _chunks(len(captions)):
            parts.append(target.embed(list(captions[rows.start : rows.stop])).to(cpu))
            if len(parts) == 1 and parts[0].nbytes * len(captions) > most * len(rows):
                return
        self.embedding = cat(parts)

    def held_out(
        self, target: Target, images: Tensor, ids: Sequence[str], captions: Sequence[str]
    ) -> tuple[Tensor, Embedding]:
        """Latents and the embedding of a batch that is met again at every validation, on the
        target's device; encoded once as long as there is room for them.
        """
        cpu, key = torch.device("cpu"), tuple(ids)
        z_0 = self._again.once(("images", key), lambda: target.encode(images).cpu())
        told = self._again.once(("captions", key), lambda: target.embed(captions).to(cpu))
        return z_0.to(target.device), told.to(target.device)


def _chunks(count: int) -> list[range]:
    return [range(k, min(k + CHUNK, count)) for k in range(0, count, CHUNK)]
