"""Latents and text embeddings that stay the same from step to step, encoded once."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lit_clid.models.embedding import Embedding, cat
from lit_clid.models.target import Target

CHUNK = 32
"""Records that are encoded together."""


class Encodings:
    """Latents z_0 (N, C, h, w) and the embedding (N rows) of records, on the CPU.

    Either is None where it is not kept. A moving average of their owner shares, not copies, them.
    """

    def __init__(self) -> None:
        self.latents: Tensor | None = None
        self.embedding: Embedding | None = None

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
    def keep_embedding(self, target: Target, captions: Sequence[str]) -> None:
        """Embed the captions, unless they are there."""
        if self.embedding is None:
            texts = [list(captions[rows.start : rows.stop]) for rows in _chunks(len(captions))]
            self.embedding = cat([target.embed(each).to(torch.device("cpu")) for each in texts])


def _chunks(count: int) -> list[range]:
    return [range(k, min(k + CHUNK, count)) for k in range(0, count, CHUNK)]
