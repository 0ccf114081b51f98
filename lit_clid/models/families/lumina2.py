"""Lumina-Image 2.0: a rectified flow in one stream of image and text, Gemma as text.

Qin et al. 2025, "Lumina-Image 2.0: A unified and efficient image generative framework". The network
is told 1 − s and gives z_0 − ε.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, masked, with_mask

TOKENS = 256
"""Most tokens that the pipeline gives Gemma, the system's prompt included."""
SYSTEM_TOKENS = 32
"""About as many as the system's prompt takes of them."""


class SystemGemmaText(Text):
    """`tokens` (B, L, D) are Gemma's last but one hidden states of a caption after the system's
    prompt; no text at all goes without one.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS - SYSTEM_TOKENS], rows)
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        captions = list(wordings[0])
        tokens, mask, nothing, unsaid = self._pipeline.encode_prompt(
            captions,
            do_classifier_free_guidance=not all(captions),
            max_sequence_length=TOKENS,
        )
        found = masked(tokens, mask, TOKENS)
        if nothing is None:
            return found
        return found.where(list(map(bool, captions)), masked(nothing, unsaid, TOKENS))


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The velocity."""
    sample: Tensor = network(
        hidden_states=z,
        timestep=1 - time / 1000,
        encoder_hidden_states=embedding["tokens"],
        encoder_attention_mask=embedding["mask"],
    ).sample
    return -sample


def reach(network: Any) -> tuple[int, int | None]:
    """Latents are cut into patches, for each of which there is a position."""
    patch: int = network.config.patch_size
    return patch, patch * min(network.config.axes_lens[1:])


LUMINA2 = Family(
    title="Lumina-Image 2.0",
    preset="lumina2",
    pipeline="Lumina2Pipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=("attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0"),
    text=SystemGemmaText,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(TOKENS, network.config.cap_feat_dim),
    sides=reach,
)
