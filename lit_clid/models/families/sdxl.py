"""Stable Diffusion XL: two CLIP encoders, a pooled embedding, and time ids (Podell et al. 2023)."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, TOKENIZER, WEIGHTS, Family
from lit_clid.models.families.stable_diffusion import UNET_GROUPS, UNET_LORA, shown
from lit_clid.models.schedules import variance_preserving
from lit_clid.models.text import Text


class TwoClipTexts(Text):
    """What the pipeline itself makes of a prompt.

    `tokens` (B, L, D₁ + D₂) are both encoders' last but one hidden states, `pooled` (B, P) the
    second one's projection. No text at all is zeros, where the pipeline's config says
    `force_zeros_for_empty_prompt`: so the released base was trained.
    """

    def __init__(self, pipeline: Any) -> None:
        tokenizers = (pipeline.tokenizer, pipeline.tokenizer_2)
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        longest = [each.model_max_length for each in tokenizers]
        super().__init__(tokenizers, longest, [each.config.vocab_size for each in encoders])
        self._pipeline = pipeline

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        first, second = list(wordings[0]), list(wordings[-1])
        tokens, _, pooled, _ = self._pipeline.encode_prompt(
            first, second, do_classifier_free_guidance=False
        )
        embedding = Embedding({"tokens": tokens, "pooled": pooled})
        if not self._pipeline.config.force_zeros_for_empty_prompt:
            return embedding
        told = [bool(a or b) for a, b in zip(first, second, strict=True)]
        return embedding.where(told, embedding.each(torch.zeros_like))


@lru_cache(maxsize=16)
def whole_image(height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Time ids (6,) of an image of this size in pixels, uncropped."""
    return torch.tensor([height, width, 0, 0, height, width], device=device, dtype=dtype)


def denoise(
    downsampling: int, network: Any, z: Tensor, time: Tensor, embedding: Embedding
) -> Tensor:
    """The U-Net's output, told that the image is whole and as large as z says."""
    height, width = (downsampling * side for side in z.shape[-2:])
    whole = whole_image(height, width, z.device, z.dtype)
    pooled = embedding["pooled"].repeat_interleave(len(z) // embedding.rows, 0)
    more = {"text_embeds": pooled, "time_ids": whole.expand(len(z), -1)}
    told = shown(network, embedding["tokens"])
    sample: Tensor = network(z, time, **told, added_cond_kwargs=more).sample
    return sample


def pooled_width(network: Any) -> int:
    """P: what the network's added embedding leaves of its input beside six time ids."""
    config = network.config
    left: int = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    return left


def two_clips(network: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of an embedding."""
    return {"tokens": (77, network.config.cross_attention_dim), "pooled": (pooled_width(network),)}


SDXL = Family(
    title="Stable Diffusion XL",
    preset="sdxl",
    pipeline="StableDiffusionXLPipeline",
    network="unet",
    parts={
        "unet": WEIGHTS,
        "vae": WEIGHTS,
        "text_encoder": WEIGHTS,
        "text_encoder_2": WEIGHTS,
        "tokenizer": TOKENIZER,
        "tokenizer_2": TOKENIZER,
        "scheduler": SCHEDULER,
    },
    groups=UNET_GROUPS,
    lora=UNET_LORA,
    text=TwoClipTexts,
    schedule=variance_preserving,
    call=lambda pipeline: partial(denoise, pipeline.vae_scale_factor),
    shares=True,
    told=two_clips,
    loading={"feature_extractor": None, "image_encoder": None, "add_watermarker": False},
)
