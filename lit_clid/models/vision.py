"""Vision models of transformers (CLIP, DINO and their kin), by which images are compared."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lit_clid.models.quiet import quiet_imports


class VisionFeatures(nn.Module):
    """A vision model's pooled output: images (B, 3, H, W) in [0, 1] → (B, F).

    Args:
        model: frozen by this.
        mean, std: of the three colours, as the model expects them.
        side: to which images are resized, in pixels.
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


def load_vision(name: str) -> VisionFeatures:
    """The vision model in a folder or under a hub id, safetensors only; of CLIP its vision tower.

    Raises:
        Exception: of the hub libraries' own kinds, if it does not load.
    """
    with quiet_imports():
        from transformers import AutoImageProcessor, AutoModel, CLIPModel
    processor: Any = AutoImageProcessor.from_pretrained(name, use_fast=False)
    model: Any = AutoModel.from_pretrained(name, use_safetensors=True)
    if isinstance(model, CLIPModel):
        model = model.vision_model
    crop = getattr(processor, "crop_size", None) or processor.size
    extent = crop.get("height") or crop.get("shortest_edge")
    return VisionFeatures(model, processor.image_mean, processor.image_std, int(extent))


def clip_loader(name: str) -> Callable[[], tuple[Any, Any]]:
    """What loads the CLIP model and its processor from a folder or hub id, safetensors only."""
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

    return load
