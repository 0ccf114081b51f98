"""Sana: a rectified flow over the latents of a deep compression autoencoder, Gemma as text.

Xie et al. 2024, "SANA: Efficient high-resolution image synthesis with linear diffusion
transformers".
"""

import inspect
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.pixart import CROSS_GROUPS, drawn_as_asked
from lit_clid.models.families.stable_diffusion import UNET_LORA
from lit_clid.models.latents import CompressedLatents
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, masked, with_mask

TOKENS = 300
"""Places of an embedding: Gemma's first one, and the last 299, which the instruction before a
caption leaves to it.
"""


class GemmaText(Text):
    """`tokens` (B, L, D) are Gemma's last hidden states of a caption in lower case, under the
    instruction that the pipeline puts before it; no text at all goes without one.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS - 1], rows)
        self._pipeline = pipeline

    def written(self, caption: str) -> str:
        return caption.lower().strip()

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        captions = list(wordings[0])
        asked = inspect.signature(type(self._pipeline).__call__).parameters
        found = self._told(captions, asked["complex_human_instruction"].default)
        if all(captions):
            return found
        return found.where(list(map(bool, captions)), self._told([""], None))

    def _told(self, captions: list[str], instruction: list[str] | None) -> Embedding:
        tokens, mask, *_ = self._pipeline.encode_prompt(
            captions,
            do_classifier_free_guidance=False,
            max_sequence_length=TOKENS,
            complex_human_instruction=instruction,
        )
        return masked(tokens, mask, TOKENS)


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output."""
    sample: Tensor = network(
        z,
        encoder_hidden_states=embedding["tokens"],
        encoder_attention_mask=embedding["mask"],
        timestep=time * network.config.timestep_scale,
    ).sample
    return sample[:, : z.shape[1]]


SANA = Family(
    title="Sana",
    preset="sana",
    pipeline="SanaPipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups=CROSS_GROUPS,
    lora=UNET_LORA,
    text=GemmaText,
    latents=CompressedLatents,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(TOKENS, network.config.caption_channels),
    drawing=drawn_as_asked,
    sides=lambda network: (network.config.patch_size, None),
)
