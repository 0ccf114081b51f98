"""DeepFloyd IF, the first stage of its cascade: 64 pixels a side, T5 text, a VP schedule.

Shonenkov et al. 2023. It denoises pixels; of what the network gives, its own variance is left out.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from lit_clid.models.embedding import Embedding
from lit_clid.models.families.family import SCHEDULER, TOKENIZER, WEIGHTS, Family
from lit_clid.models.latents import Pixels
from lit_clid.models.schedules import variance_preserving
from lit_clid.models.text import Text

TOKENS = 77
"""Most tokens that the pipeline gives T5."""


class LowerText(Text):
    """`tokens` (B, L, D) are T5's last hidden states of a caption in lower case, the padding's
    included: the network sees it.
    """

    def __init__(self, pipeline: Any) -> None:
        rows = [pipeline.text_encoder.config.vocab_size]
        super().__init__([pipeline.tokenizer], [TOKENS], rows)
        self._pipeline = pipeline

    def written(self, caption: str) -> str:
        return caption.lower().strip()

    def encode(self, wordings: Sequence[Sequence[str]]) -> Embedding:
        tokens, _ = self._pipeline.encode_prompt(
            list(wordings[0]), do_classifier_free_guidance=False
        )
        return Embedding({"tokens": tokens})


def denoise(network: Any, z: Tensor, time: Tensor, embedding: Embedding) -> Tensor:
    """The U-Net's ε."""
    sample: Tensor = network(z, time, embedding["tokens"]).sample
    return sample[:, : z.shape[1]]


def drawn(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """Have the pipeline, which takes no noise, start from this one."""
    start = noise * pipeline.scheduler.init_noise_sigma
    pipeline.prepare_intermediate_images = partial(_given, start)
    return {"guidance_scale": guidance, "clean_caption": False}


def _given(start: Tensor, *_: Any) -> Tensor:
    return start


DEEPFLOYD_IF = Family(
    title="DeepFloyd IF, first stage",
    preset="deepfloyd_if",
    pipeline="IFPipeline",
    network="unet",
    parts={
        "unet": WEIGHTS,
        "text_encoder": WEIGHTS,
        "tokenizer": TOKENIZER,
        "scheduler": SCHEDULER,
    },
    groups={"unet": ("",), "attention": (".attentions.",)},
    lora=("to_q", "to_k", "to_v", "to_out.0", "add_k_proj", "add_v_proj"),
    text=LowerText,
    latents=Pixels,
    schedule=variance_preserving,
    call=lambda pipeline: denoise,
    told=lambda network: {"tokens": (TOKENS, network.config.encoder_hid_dim)},
    drawing=drawn,
    sides=lambda network: (2 ** (len(network.config.block_out_channels) - 1), None),
    loading={
        "safety_checker": None,
        "feature_extractor": None,
        "watermarker": None,
        "requires_safety_checker": False,
    },
)
