"""Z-Image: a rectified flow in one stream of image and text, Qwen3 as text (Z-Image team 2025).

The network is told 1 − s and gives z_0 − ε.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.flux2 import templated
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text, masked, with_mask

TOKENS = 512
"""Most tokens that the pipeline gives Qwen3, its template included."""


class ThinkingQwenText(Text):
    """`tokens` (B, L, D) are the last but one hidden states of a caption in the chat template."""

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS], rows)
        self._pipeline = pipeline

    def written(self, caption: str) -> str:
        return templated(self.tokenizers[0], caption, thinking=True)

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        each, _ = self._pipeline.encode_prompt(
            list(wordings[0]), do_classifier_free_guidance=False, max_sequence_length=TOKENS
        )
        seen = [tokens.new_ones(len(tokens)) for tokens in each]
        tokens, mask = (pad_sequence(list(rows), batch_first=True) for rows in (each, seen))
        return masked(tokens, mask, TOKENS)


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The velocity, from the transformer's list of outputs."""
    pairs = zip(embedding["tokens"], embedding["mask"], strict=True)
    captions = [tokens[seen] for tokens, seen in pairs]
    images = list(z[:, :, None])  # videos of one frame
    (patch,), (frames,) = network.config.all_patch_size, network.config.all_f_patch_size
    output = network(images, 1 - time / 1000, captions, patch_size=patch, f_patch_size=frames)
    return -torch.stack(list(output.sample))[:, :, 0]


Z_IMAGE = Family(
    title="Z-Image",
    preset="z_image",
    pipeline="ZImagePipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attention.",)},
    lora=("attention.to_q", "attention.to_k", "attention.to_v", "attention.to_out.0"),
    text=ThinkingQwenText,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: with_mask(TOKENS, network.config.cap_feat_dim),
    sides=lambda network: (max(network.config.all_patch_size), None),
)
