"""FLUX.1 dev and schnell: a rectified flow over packed latents, CLIP's pooled vector, T5's tokens.

Black Forest Labs 2024. dev was distilled from a model with guidance and is told a scale of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, TOKENIZER, WEIGHTS, Family
from lit_clid.models.packing import PATCH, image_ids, pack, unpack
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text

GUIDANCE = 1.0
"""The scale that a distilled network is told: one stands for the plain conditional answer."""
T5_TOKENS = 512
"""Most tokens that the pipeline gives T5, if its tokenizer takes as many."""
DOUBLE_LORA = (
    "attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0",
    "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj", "attn.to_add_out",
)  # fmt: skip
"""The projections of an attention over image and text."""


class ClipAndT5(Text):
    """`tokens` (B, L, D) are T5's last hidden states, `pooled` (B, P) CLIP's end of text."""

    def __init__(self, pipeline: Any) -> None:
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        tokenizers = (pipeline.tokenizer, pipeline.tokenizer_2)
        rows = [each.config.vocab_size for each in encoders]
        longest = (pipeline.tokenizer.model_max_length, most_of_t5(pipeline.tokenizer_2))
        super().__init__(tokenizers, longest, rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        # each encoder by itself: the pipeline takes an empty second wording for the first one
        tokens = self._pipeline._get_t5_prompt_embeds(
            list(wordings[-1]), max_sequence_length=self.longest[1]
        )
        pooled = self._pipeline._get_clip_prompt_embeds(list(wordings[0]))
        return Embedding({"tokens": tokens, "pooled": pooled})


def most_of_t5(tokenizer: Any) -> int:
    """Most tokens of a T5 tokenizer."""
    return min(T5_TOKENS, int(tokenizer.model_max_length))


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output, unpacked."""
    height, width = z.shape[-2:]
    tokens = embedding["tokens"]
    told = time.new_full((len(z),), GUIDANCE) if network.config.guidance_embeds else None
    output: Tensor = network(
        hidden_states=pack(z),
        timestep=time / 1000,
        guidance=told,
        pooled_projections=embedding["pooled"],
        encoder_hidden_states=tokens,
        txt_ids=torch.zeros(tokens.shape[1], 3, device=z.device),
        img_ids=image_ids(height // PATCH, width // PATCH, z.device),
    ).sample
    return unpack(output, height, width)


def drawn_packed(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """Arguments of the pipeline that draws from packed noise."""
    longest = most_of_t5(pipeline.tokenizer_2)
    return {"latents": pack(noise), "guidance_scale": guidance, "max_sequence_length": longest}


FLUX = Family(
    title="FLUX.1",
    preset="flux",
    pipeline="FluxPipeline",
    network="transformer",
    parts={
        "transformer": WEIGHTS,
        "vae": WEIGHTS,
        "text_encoder": WEIGHTS,
        "text_encoder_2": WEIGHTS,
        "tokenizer": TOKENIZER,
        "tokenizer_2": TOKENIZER,
        "scheduler": SCHEDULER,
    },
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=DOUBLE_LORA,
    text=ClipAndT5,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: {
        "tokens": (T5_TOKENS, network.config.joint_attention_dim),
        "pooled": (network.config.pooled_projection_dim,),
    },
    drawing=drawn_packed,
    sides=lambda network: (PATCH, None),
    loading={"feature_extractor": None, "image_encoder": None},
)
