"""Image features for the Fréchet distance, and CLIPScore, from models that a config names."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from lit_clid.errors import UserError, first_line
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.quiet import quiet_imports

Features = nn.Module
"""Images (B, 3, H, W) in [0, 1] → features (B, F), with the attribute `num_features` = F."""
POOLED = 4
"""Side to which a latent is pooled: F = latent channels · 16."""


class LatentFeatures(nn.Module):
    """The target's own VAE encoder, its latent averaged over a grid of 4 × 4; no other weights."""

    def __init__(self, target: PipelineTarget, side: int) -> None:
        super().__init__()
        self._target = (target,)  # in a tuple, so that it is no submodule
        self.num_features = target.latent_shape(torch.zeros(1, 3, side, side))[0] * POOLED**2

    def forward(self, images: Tensor) -> Tensor:
        latents = self._target[0].encode(images * 2 - 1)
        return nn.functional.adaptive_avg_pool2d(latents, POOLED).flatten(1)


class VisionFeatures(nn.Module):
    """The pooled output of a vision model of transformers (CLIP, DINO and their kin).

    Args:
        model: that is asked.
        mean, std: of the pixels that it expects, per channel, of images in [0, 1].
        side: of the images that it expects, in pixels.
    """

    def __init__(
        self, model: nn.Module, mean: Sequence[float], std: Sequence[float], side: int
    ) -> None:
        super().__init__()
        self.model, self.side = model.eval().requires_grad_(False), side
        self.num_features = int(model.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        size = (self.side, self.side)
        pixels = nn.functional.interpolate(images, size, mode="bicubic", antialias=True).clamp(0, 1)
        pooled: Tensor = self.model(pixel_values=(pixels - self.mean) / self.std).pooler_output
        return pooled


def features_named(name: str, target: PipelineTarget, side: int) -> Features | int:
    """The extractor that `utility.features` names; for "inception", how many features it has.

    Raises:
        UserError: if it cannot be loaded.
    """
    if name == "vae":
        return LatentFeatures(target, side)
    if name == "inception":
        if find_spec("torch_fidelity") is None:
            raise UserError(
                "utility.features: inception needs torch-fidelity and its weights (pip install "
                "torch-fidelity); or give vae, or a folder of a CLIP or DINO vision model"
            )
        return 2048
    with quiet_imports():
        from transformers import AutoImageProcessor, AutoModel, CLIPModel
    try:
        processor: Any = AutoImageProcessor.from_pretrained(name, use_fast=False)
        model: Any = AutoModel.from_pretrained(name, use_safetensors=True)
    except Exception as error:  # both hub libraries raise kinds of their own
        raise UserError(
            f"utility.features: {name} does not load ({first_line(error)}); give vae or null"
        ) from None
    if isinstance(model, CLIPModel):
        model = model.vision_model
    crop = getattr(processor, "crop_size", None) or processor.size
    extent = crop.get("height") or crop.get("shortest_edge")
    return VisionFeatures(model, processor.image_mean, processor.image_std, int(extent))


def clip_score(name: str, device: torch.device) -> Callable[[Tensor, Sequence[str]], float]:
    """CLIPScore (Hessel et al. 2021) by torchmetrics and a CLIP model.

    The score takes images (B, 3, H, W) in [0, 1] and their captions.

    Raises:
        UserError: if the model does not load.
    """
    with quiet_imports():
        from transformers import CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    class Tensors(CLIPModel):  # type: ignore[misc]
        """Answers with tensors, as torchmetrics expects it and transformers 5 does not any more."""

        def get_image_features(self, *arguments: Any, **named: Any) -> Any:
            found = super().get_image_features(*arguments, **named)
            return getattr(found, "pooler_output", found)

        def get_text_features(self, *arguments: Any, **named: Any) -> Any:
            found = super().get_text_features(*arguments, **named)
            return getattr(found, "pooler_output", found)

    def load() -> tuple[Any, Any]:
        images = CLIPImageProcessor.from_pretrained(name, use_fast=False)
        tokens = CLIPTokenizer.from_pretrained(name)
        return Tensors.from_pretrained(name, use_safetensors=True), CLIPProcessor(images, tokens)

    from torchmetrics.multimodal import CLIPScore

    try:
        metric = CLIPScore(load).to(device)
    except Exception as error:  # both hub libraries raise kinds of their own
        raise UserError(
            f"utility.alignment: {name} does not load ({first_line(error)}); set it to null"
        ) from None

    def score(images: Tensor, captions: Sequence[str]) -> float:
        metric.reset()
        for k in range(0, len(images), 32):
            metric.update((images[k : k + 32] * 255).byte().to(device), list(captions[k : k + 32]))
        return float(metric.compute())

    return score
