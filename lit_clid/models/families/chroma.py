"""Chroma: FLUX.1 schnell without CLIP and guidance, T5's padding masked (Lodestone Rock 2025)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.flux import DOUBLE_LORA, T5_TOKENS
from lit_clid.models.packing import PATCH, image_ids, pack, unpack
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, with_mask


class T5Text(Text):
    """`tokens` (B, L, D) are T5's last hidden states, `mask` (B, L) a caption's and the first
    place of padding. The pipeline adds the mask to its attention's logits, so that padding has
    a part in an answer, a smaller one.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [T5_TOKENS], rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        tokens, _, mask, *_ = self._pipeline.encode_prompt(
            list(wordings[0]), do_classifier_free_guidance=False, max_sequence_length=T5_TOKENS
        )
        return Embedding({"tokens": tokens, "mask": mask.bool()})


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output, unpacked."""
    height, width = z.shape[-2:]
    image, tokens = pack(z), embedding["tokens"]
    seen = torch.nn.functional.pad(embedding["mask"].to(z.dtype), (0, image.shape[1]), value=1.0)
    output: Tensor = network(
        hidden_states=image,
        timestep=time / 1000,
        encoder_hidden_states=tokens,
        txt_ids=torch.zeros(tokens.shape[1], 3, device=z.device),
        img_ids=image_ids(height // PATCH, width // PATCH, z.device),
        attention_mask=seen,
    ).sample
    return unpack(output, height, width)


def drawn(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """Arguments of the pipeline that draws from packed noise."""
    return {
        "latents": pack(noise),
        "guidance_scale": guidance,
        "negative_prompt": [""] * len(noise),
    }


CHROMA = Family(
    title="Chroma",
    preset="chroma",
    pipeline="ChromaPipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=DOUBLE_LORA,
    text=T5Text,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(T5_TOKENS, network.config.joint_attention_dim),
    drawing=drawn,
    sides=lambda network: (PATCH, None),
    loading={"feature_extractor": None, "image_encoder": None},
)
