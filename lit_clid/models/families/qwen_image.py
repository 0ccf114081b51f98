"""Qwen-Image: a rectified flow over packed latents, Qwen2.5-VL as text (Wu et al. 2025)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.flux import DOUBLE_LORA
from lit_clid.models.latents import ChannelLatents
from lit_clid.models.packing import PATCH, pack, unpack
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, masked, with_mask

TOKENS = 512
"""Most places of an embedding: the caption's and those of the template after it."""
AFTER = 5
"""Tokens of the template after a caption."""


class QwenVLText(Text):
    """`tokens` (B, L, D) are the last hidden states of a caption in the pipeline's template,
    from the caption's first token on. No text at all is a blank, as in the released guidance.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.get_text_config().vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS - AFTER], rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        captions = [caption or " " for caption in wordings[0]]
        tokens, mask = self._pipeline.encode_prompt(captions, max_sequence_length=TOKENS)
        seen = torch.ones_like(tokens[..., 0]) if mask is None else mask
        return masked(tokens, seen, TOKENS)


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output, unpacked."""
    height, width = z.shape[-2:]
    output: Tensor = network(
        hidden_states=pack(z),
        timestep=time / 1000,
        encoder_hidden_states=embedding["tokens"],
        encoder_hidden_states_mask=embedding["mask"],
        img_shapes=[[(1, height // PATCH, width // PATCH)]] * len(z),
    ).sample
    return unpack(output, height, width)


def drawn(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """Arguments of the pipeline that draws from packed noise, guided by an empty prompt."""
    empty = [" "] * len(noise)
    return {"latents": pack(noise), "true_cfg_scale": guidance, "negative_prompt": empty}


QWEN_IMAGE = Family(
    title="Qwen-Image",
    preset="qwen_image",
    pipeline="QwenImagePipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=DOUBLE_LORA,
    text=QwenVLText,
    latents=ChannelLatents,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(TOKENS, network.config.joint_attention_dim),
    drawing=drawn,
    sides=lambda network: (PATCH, None),
    idle=("attn.to_add_out", "txt_mlp"),
)
