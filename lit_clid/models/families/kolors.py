"""Kolors: SDXL's network under one ChatGLM encoder (Kolors team 2024)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, WEIGHTS, Family
from lit_clid.models.families.sdxl import denoise, pooled_width
from lit_clid.models.families.stable_diffusion import UNET_GROUPS, UNET_LORA
from lit_clid.models.schedules import variance_preserving
from lit_clid.models.text import Text

TOKENS = 256
"""Most tokens that the pipeline gives ChatGLM."""


class ChatGLMText(Text):
    """`tokens` (B, L, D) are the last but one hidden states, `pooled` (B, D) the last one of the
    last token. No text at all is zeros where the pipeline's config says so. A masked word leaves
    nothing: the tokenizer reads no special token from a text.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.padded_vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS], rows, masks=[""])
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        captions = list(wordings[0])
        tokens, _, pooled, _ = self._pipeline.encode_prompt(
            captions, do_classifier_free_guidance=False, max_sequence_length=TOKENS
        )
        found = Embedding({"tokens": tokens, "pooled": pooled})
        if all(captions) or not self._pipeline.config.force_zeros_for_empty_prompt:
            return found
        return found.where(list(map(bool, captions)), found.each(torch.zeros_like))


KOLORS = Family(
    title="Kolors",
    preset="kolors",
    pipeline="KolorsPipeline",
    network="unet",
    parts={
        "unet": WEIGHTS,
        "vae": WEIGHTS,
        "text_encoder": WEIGHTS,
        "tokenizer": ("tokenizer.model", "tokenizer_config.json"),
        "scheduler": SCHEDULER,
    },
    groups=UNET_GROUPS,
    lora=UNET_LORA,
    text=ChatGLMText,
    schedule=variance_preserving,
    call=lambda pipeline: partial(denoise, pipeline.vae_scale_factor),
    shares=True,
    told=lambda network: {
        "tokens": (TOKENS, network.config.encoder_hid_dim),
        "pooled": (pooled_width(network),),
    },
    loading={"feature_extractor": None, "image_encoder": None},
)
