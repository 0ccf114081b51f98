"""Text encoders: captions → an `Embedding`, whichever and however many encoders a family has."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lit_clid.errors import UserError
from lit_clid.models.embedding import Embedding, cat

CHUNK = 64
"""Most captions that are encoded together."""
PLACES = 5120
"""Most places of captions that are encoded together, of the encoder with the longest ones."""


def masked(tokens: Tensor, mask: Tensor, length: int) -> Embedding:
    """`tokens` (B, length, D), zero where `mask` (B, length) is false, from those of L ≤ `length`
    places: what a mask hides decides no answer, nor does how far a batch was padded.
    """
    more = length - tokens.shape[1]
    mask, tokens = functional.pad(mask.bool(), (0, more)), functional.pad(tokens, (0, 0, 0, more))
    return Embedding({"tokens": tokens * mask[..., None], "mask": mask})


def with_mask(length: int, width: int) -> dict[str, tuple[int, ...]]:
    """Shapes of an embedding of tokens under a mask."""
    return {"tokens": (length, width), "mask": (length,)}


TOGETHER = 4096
"""Captions that are tokens at a time, which take a kilobyte each."""


class Text(ABC):
    """The text encoders of a pipeline.

    Args:
        tokenizers: one for each encoder.
        longest: most tokens that each takes, its special tokens included.
        rows: of each encoder's embedding; None where it is not known.
        masks: what stands for a word that is left out, one for each encoder; None takes each
            tokenizer's end token.
    """

    def __init__(
        self,
        tokenizers: Sequence[Any],
        longest: Sequence[int],
        rows: Sequence[int | None] | None = None,
        masks: Sequence[str] | None = None,
    ) -> None:
        self.tokenizers, self.longest = tuple(tokenizers), tuple(longest)
        self.rows = (None,) * len(self.longest) if rows is None else tuple(rows)
        ends = [tokenizer.eos_token for tokenizer in self.tokenizers]
        self.mask_tokens = tuple(ends if masks is None else masks)
        self._vectors = [_several(tokenizer) for tokenizer in self.tokenizers]

    @abstractmethod
    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        """B texts for each encoder → their embedding, in one pass."""

    def written(self, caption: str) -> str:
        """What the tokenizers are given for a caption, where that is not the caption itself."""
        return caption

    def spelled(self, which: int, caption: str) -> str:
        """The same for one tokenizer: a learned token of several vectors is named once for each."""
        text = self.written(caption)
        for token, names in self._vectors[which].items():
            text = text.replace(token, names)
        return text

    @torch.no_grad()
    def pooled(self, captions: Sequence[str]) -> Tensor:
        """Captions → one vector each (B, D) float32, in one pass: the embedding's `pooled`, or the
        mean direction of its tokens without the padding. (Language models give their first token
        a norm far beyond all others'; a plain mean would tell little but its share.)
        """
        found = self.encode([captions])
        if "pooled" in found:
            return found["pooled"].float()
        tokens = functional.normalize(found["tokens"].float(), dim=-1)
        said = found["mask"] if "mask" in found else self._batch(0, captions).attention_mask
        weight = said.to(tokens)[..., None]
        return (tokens * weight).sum(1) / weight.sum(1).clamp(min=1)

    @torch.no_grad()
    def embed(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        """Texts for each encoder → embedding in float32; equal ones are encoded once."""
        texts = list(zip(*wordings, strict=True))
        distinct = list(dict.fromkeys(texts))
        most = max(1, min(CHUNK, PLACES // max(self.longest)))
        chunks = [distinct[k : k + most] for k in range(0, len(distinct), most)]
        encoded = cat([self.encode(list(zip(*chunk, strict=True))) for chunk in chunks])
        place = {text: k for k, text in enumerate(distinct)}
        rows = torch.tensor([place[text] for text in texts], device=encoded["tokens"].device)
        return encoded.to(torch.float32).take(rows)

    def overlong(self, captions: Sequence[str]) -> int:
        """How many captions are longer than every tokenizer takes."""
        starts = range(0, len(captions), TOGETHER)
        return sum(self._overlong(captions[start : start + TOGETHER]) for start in starts)

    def _overlong(self, captions: Sequence[str]) -> int:
        fitting = [False] * len(captions)
        each = zip(self.tokenizers, self.longest, self.rows, strict=True)
        for which, (tokenizer, longest, rows) in enumerate(each):
            texts = [self.spelled(which, caption) for caption in captions]
            ids = tokenizer(texts, verbose=False).input_ids
            self._refuse_unknown(tokenizer, rows, captions, ids)
            fitting = [fits or len(i) <= longest for fits, i in zip(fitting, ids, strict=True)]
        return fitting.count(False)

    def _refuse_unknown(
        self, tokenizer: Any, rows: int | None, captions: Sequence[str], ids: list[list[int]]
    ) -> None:
        """Refuse a token that the encoder's embedding has no row for."""
        for caption, tokens in zip(captions, ids, strict=True):
            if rows is not None and max(tokens, default=0) >= rows:
                token = tokenizer.convert_ids_to_tokens(max(tokens))
                raise UserError(
                    f"caption {caption[:60]!r}: the tokenizer knows the token {token!r} and the "
                    f"text encoder does not (its embedding has {rows} rows); export the pipeline "
                    "with the encoder that the token was trained into, or without the token"
                )

    def keys(self, captions: Sequence[str]) -> list[str]:
        """A hash of each caption's tokens under all tokenizers, as `tokens` cuts and pads them."""
        found: list[str] = []
        for start in range(0, len(captions), CHUNK):
            chunk, cpu = captions[start : start + CHUNK], torch.device("cpu")
            ids = [self.tokens(k, chunk, cpu) for k in range(len(self.tokenizers))]
            rows = torch.cat(ids, dim=1).numpy()
            found += [blake2b(row.tobytes(), digest_size=16).hexdigest() for row in rows]
        return found

    def tokens(self, which: int, captions: Sequence[str], device: torch.device) -> Tensor:
        """Token ids (B, L) for one of the encoders, padded and cut to its length."""
        ids: Tensor = self._batch(which, captions).input_ids
        self._refuse_unknown(self.tokenizers[which], self.rows[which], captions, ids.tolist())
        return ids.to(device)

    def _batch(self, which: int, captions: Sequence[str]) -> Any:
        return self.tokenizers[which](
            [self.spelled(which, caption) for caption in captions],
            padding="max_length",
            truncation=True,
            max_length=self.longest[which],
            return_tensors="pt",
        )


def _several(tokenizer: Any) -> dict[str, str]:
    """Added tokens of several vectors, and the names of all: `<cat>` → `<cat> <cat>_1`."""
    added = tokenizer.get_added_vocab()
    found: dict[str, str] = {}
    for token in added:
        names = [token]
        while f"{token}_{len(names)}" in added:
            names.append(f"{token}_{len(names)}")
        if len(names) > 1:
            found[token] = " ".join(names)
    return found
