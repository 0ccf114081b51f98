"""Stable Diffusion 3 and 3.5: a rectified flow, two CLIP encoders and perhaps T5.

Esser et al. 2024, "Scaling rectified flow transformers for high-resolution image synthesis".
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, TOKENIZER, WEIGHTS, Family
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text

T5_TOKENS = 256
"""Most tokens that the pipeline gives T5."""


class ThreeTexts(Text):
    """What the pipeline itself makes of a prompt.

    `tokens` (B, L_clip + L_t5, D) are the CLIP encoders' last but one hidden states beside each
    other, then T5's last ones (zeros without T5); `pooled` (B, P₁ + P₂) the CLIP projections.
    """

    def __init__(self, pipeline: Any) -> None:
        tokenizers = [pipeline.tokenizer, pipeline.tokenizer_2]
        longest = [pipeline.tokenizer.model_max_length] * 2
        if pipeline.tokenizer_3 is not None:
            tokenizers.append(pipeline.tokenizer_3)
            longest.append(T5_TOKENS)
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2, pipeline.text_encoder_3)
        rows = [each.config.vocab_size for each in encoders if each is not None]
        super().__init__(tokenizers, longest, rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        texts = [list(wordings[min(which, len(wordings) - 1)]) for which in range(3)]
        tokens, _, pooled, _ = self._pipeline.encode_prompt(
            *texts, do_classifier_free_guidance=False, max_sequence_length=T5_TOKENS
        )
        return Embedding({"tokens": tokens, "pooled": pooled})


def patched(network: Any) -> tuple[int, int | None]:
    """Latents are cut into patches, for each of which there is a position."""
    patch: int = network.config.patch_size
    return patch, patch * network.config.pos_embed_max_size


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output."""
    sample: Tensor = network(
        hidden_states=z,
        timestep=time,
        encoder_hidden_states=embedding["tokens"],
        pooled_projections=embedding["pooled"],
    ).sample
    return sample


SD3 = Family(
    title="Stable Diffusion 3/3.5",
    preset="sd3",
    pipeline="StableDiffusion3Pipeline",
    network="transformer",
    parts={
        "transformer": WEIGHTS,
        "vae": WEIGHTS,
        "text_encoder": WEIGHTS,
        "text_encoder_2": WEIGHTS,
        "text_encoder_3": WEIGHTS,
        "tokenizer": TOKENIZER,
        "tokenizer_2": TOKENIZER,
        "tokenizer_3": TOKENIZER,
        "scheduler": SCHEDULER,
    },
    optional=("text_encoder_3", "tokenizer_3"),
    groups={"transformer": ("",), "attention": (".attn.", ".attn2.")},
    lora=(
        "attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0",
        "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj", "attn.to_add_out",
    ),
    text=ThreeTexts,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: {
        "tokens": (77 + T5_TOKENS, network.config.joint_attention_dim),
        "pooled": (network.config.pooled_projection_dim,),
    },
    sides=patched,
    loading={"feature_extractor": None, "image_encoder": None},
)  # fmt: skip
