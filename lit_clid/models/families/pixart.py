"""PixArt-α and PixArt-Σ: T5 text, a transformer with cross-attention, a VP schedule.

Chen et al. 2024, "PixArt-α: Fast training of diffusion transformer" and "PixArt-Σ". Of what the
network gives, its own variance is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import TRANSFORMER, Family
from lit_clid.models.families.stable_diffusion import UNET_LORA
from lit_clid.models.schedules import variance_preserving
from lit_clid.models.text import Text, masked, with_mask

CROSS_GROUPS = {
    "transformer": ("",),
    "attention": (".attn1.", ".attn2."),
    "cross_attention": (".attn2.",),
}
"""Of a transformer with cross-attention."""


class LowerT5Text(Text):
    """`tokens` (B, L, D) are T5's last hidden states of a caption in lower case."""

    def __init__(self, longest: int, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [longest], rows)
        self._pipeline = pipeline

    def written(self, caption: str) -> str:
        return caption.lower().strip()

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        (longest,) = self.longest
        tokens, mask, *_ = self._pipeline.encode_prompt(
            list(wordings[0]), do_classifier_free_guidance=False, max_sequence_length=longest
        )
        return masked(tokens, mask, longest)


def denoise(
    downsampling: int, network: Any, z: Tensor, time: Tensor, embedding: Embedding
) -> Tensor:
    """The transformer's output, told how large the image is where it was trained to be."""
    more: dict[str, Tensor | None] = {"resolution": None, "aspect_ratio": None}
    if network.use_additional_conditions:
        height, width = (downsampling * side for side in z.shape[-2:])
        more["resolution"] = z.new_tensor([[height, width]]).expand(len(z), -1)
        more["aspect_ratio"] = z.new_full((len(z), 1), height / width)
    sample: Tensor = network(
        z,
        encoder_hidden_states=embedding["tokens"],
        encoder_attention_mask=embedding["mask"],
        timestep=time,
        added_cond_kwargs=more,
    ).sample
    return sample[:, : z.shape[1]]


def drawn_as_asked(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """Arguments of the pipeline that draws at the size it is given, not at the nearest bin's."""
    plain = {"use_resolution_binning": False, "clean_caption": False}
    return {"latents": noise, "guidance_scale": guidance, **plain}


def _family(title: str, pipeline: str, longest: int) -> Family:
    text: Callable[[Any], Text] = partial(LowerT5Text, longest)
    return Family(
        title=title,
        preset="pixart",
        pipeline=pipeline,
        network="transformer",
        parts=TRANSFORMER,
        groups=CROSS_GROUPS,
        lora=UNET_LORA,
        text=text,
        schedule=variance_preserving,
        call=lambda pipeline: partial(denoise, pipeline.vae_scale_factor),
        told=lambda network: with_mask(longest, network.config.caption_channels),
        drawing=drawn_as_asked,
        sides=lambda network: (network.config.patch_size, None),
    )


PIXART_ALPHA = _family("PixArt-α", "PixArtAlphaPipeline", 120)
PIXART_SIGMA = _family("PixArt-Σ", "PixArtSigmaPipeline", 300)
