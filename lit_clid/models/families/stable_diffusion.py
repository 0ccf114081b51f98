"""Stable Diffusion 1.x and 2.x: KL-VAE, a CLIP text encoder, a conditional U-Net, a VP schedule."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, TOKENIZER, WEIGHTS, Family
from lit_clid.models.lanes import side_by_side
from lit_clid.models.schedules import variance_preserving
from lit_clid.models.sharing import looks_plainly
from lit_clid.models.text import Text

VECTOR = 16
"""Numbers of float32 in the widest vectors of CPUs."""


class ClipText(Text):
    """One CLIP encoder: `tokens` (B, L, D) are its last hidden states."""

    def __init__(self, pipeline: Any) -> None:
        encoder, tokenizer = pipeline.text_encoder, pipeline.tokenizer
        most = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
        super().__init__([tokenizer], [most], [encoder.config.vocab_size])
        self._encoder = encoder

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        ids = self._ids(wordings[0])
        return Embedding({"tokens": side_by_side(lambda some: self._encoder(some)[0], ids)})

    @torch.no_grad()
    def pooled(self, captions: Sequence[str]) -> Tensor:
        ids = self._ids(captions)
        return side_by_side(lambda some: self._encoder(some).pooler_output, ids).float()

    def _ids(self, captions: Sequence[str]) -> Tensor:
        return self.tokens(0, captions, self._encoder.device)


def shown(network: Any, tokens: Tensor) -> dict[str, Tensor]:
    """How a U-Net is shown tokens (U, L, D).

    On a CPU, attention to 77 places takes twice the time of that to 80: what is beyond the last
    whole vector is computed number by number. Hidden places fill it up there.
    """
    length = tokens.shape[1]
    more = -length % VECTOR if tokens.device.type == "cpu" else 0
    if not more or not looks_plainly(network):
        return {"encoder_hidden_states": tokens}
    seen = (torch.arange(length + more) < length).expand(len(tokens), -1)
    filled = functional.pad(tokens, (0, 0, 0, more))
    return {"encoder_hidden_states": filled, "encoder_attention_mask": seen}


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The U-Net's output."""
    sample: Tensor = network(z, time, **shown(network, embedding["tokens"])).sample
    return sample


UNET_GROUPS = {
    "unet": ("",),
    "attention": (".attn1.", ".attn2."),
    "cross_attention": (".attn2.",),
}
UNET_LORA = ("to_q", "to_k", "to_v", "to_out.0")
STABLE_DIFFUSION = Family(
    title="Stable Diffusion 1.x/2.x",
    preset="stable_diffusion",
    pipeline="StableDiffusionPipeline",
    network="unet",
    parts={
        "unet": WEIGHTS,
        "vae": WEIGHTS,
        "text_encoder": WEIGHTS,
        "tokenizer": TOKENIZER,
        "scheduler": SCHEDULER,
    },
    groups=UNET_GROUPS,
    lora=UNET_LORA,
    text=ClipText,
    schedule=variance_preserving,
    call=lambda pipeline: denoise,
    shares=True,
    told=lambda network: {"tokens": (77, network.config.cross_attention_dim)},
    loading={
        "safety_checker": None,
        "feature_extractor": None,
        "image_encoder": None,
        "requires_safety_checker": False,
    },
)
