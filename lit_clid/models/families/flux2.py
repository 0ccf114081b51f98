"""FLUX.2 klein: a rectified flow over normalised patches, three layers of Qwen3 as text.

Black Forest Labs 2025.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.flux import DOUBLE_LORA
from lit_clid.models.latents import PatchLatents
from lit_clid.models.schedules import rectified_flow
from lit_clid.models.text import Text

TOKENS = 512
"""Most tokens that the pipeline gives Qwen3, its template included."""


def templated(tokenizer: Any, caption: str, *, thinking: bool) -> str:
    """A caption as a user's turn in the tokenizer's chat template."""
    turn = [{"role": "user", "content": caption}]
    text: str = tokenizer.apply_chat_template(
        turn, tokenize=False, add_generation_prompt=True, enable_thinking=thinking
    )
    return text


class QwenText(Text):
    """`tokens` (B, L, 3·D) are the hidden states of layers 9, 18 and 27 side by side, the
    padding's included: the network sees it.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS], rows)
        self._pipeline = pipeline

    def written(self, caption: str) -> str:
        return templated(self.tokenizers[0], caption, thinking=False)

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        tokens, _ = self._pipeline.encode_prompt(list(wordings[0]), max_sequence_length=TOKENS)
        return Embedding({"tokens": tokens})


@lru_cache(maxsize=16)
def places(height: int, width: int, text: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(time, row, column, word) of each token of the image (h·w, 4) and of the text (L, 4)."""
    one = torch.arange(1, device=device)
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    image = torch.cartesian_prod(one, rows, columns, one)
    return image, torch.cartesian_prod(one, one, one, torch.arange(text, device=device))


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The transformer's output."""
    height, width = z.shape[-2:]
    image, text = places(height, width, embedding["tokens"].shape[1], z.device)
    output: Tensor = network(
        hidden_states=z.flatten(2).transpose(1, 2),
        timestep=time / 1000,
        guidance=None,
        encoder_hidden_states=embedding["tokens"],
        txt_ids=text.expand(len(z), -1, -1),
        img_ids=image.expand(len(z), -1, -1),
    ).sample
    return output.transpose(1, 2).unflatten(2, (height, width))


FLUX2_KLEIN = Family(
    title="FLUX.2 klein",
    preset="flux2",
    pipeline="Flux2KleinPipeline",
    network="transformer",
    parts=TRANSFORMER,
    groups={"transformer": ("",), "attention": (".attn.",)},
    lora=(*DOUBLE_LORA, "attn.to_qkv_mlp_proj", "single_transformer_blocks.*.attn.to_out"),
    text=QwenText,
    latents=PatchLatents,
    schedule=rectified_flow,
    call=lambda pipeline: denoise,
    told=lambda network: {"tokens": (TOKENS, network.config.joint_attention_dim)},
)
