"""AuraFlow: a rectified flow under UMT5's tokens, zero where there is padding (Fal 2024)."""

from collections.abc import Sequence
from math import isqrt
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.flux import DOUBLE_LORA
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, masked, with_mask

TOKENS = 256
"""Most tokens that the pipeline gives UMT5."""


class UMT5Text(Text):
    """`tokens` (B, L, D) are the last hidden states, zero where there is padding."""

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS], rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        tokens, mask, *_ = self._pipeline.encode_prompt(
            list(wordings[0]), do_classifier_free_guidance=False, max_sequence_length=TOKENS
        )
        return masked(tokens, mask.view(*tokens.shape[:2], -1)[..., 0], TOKENS)


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output."""
    sample: Tensor = network(
        z, encoder_hidden_states=embedding["tokens"], timestep=time / 1000
    ).sample
    return sample


def reach(network: Any) -> tuple[int, int | None]:
    """Latents are cut into patches; their positions are a square."""
    patch: int = network.config.patch_size
    return patch, patch * isqrt(network.config.pos_embed_max_size)


AURA_FLOW = Family(
    title="AuraFlow",
    preset="aura_flow",
    pipeline="AuraFlowPipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=DOUBLE_LORA,
    text=UMT5Text,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(TOKENS, network.config.joint_attention_dim),
    sides=reach,
)
