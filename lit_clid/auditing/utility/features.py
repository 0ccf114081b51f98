"""Image features for the Fréchet distance, and CLIPScore, from models that a config names."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from lit_clid.errors import UserError, first_line
from lit_clid.models.target import Target
from lit_clid.models.vision import clip_loader, load_vision

Features = nn.Module
"""Images (B, 3, H, W) in [0, 1] → features (B, F), with the attribute `num_features` = F."""
POOLED = 4
"""Side to which a latent is pooled: F = latent channels · 16."""


class LatentFeatures(nn.Module):
    """The target's own VAE encoder, its latent averaged over a grid of 4 × 4; no other weights."""

    def __init__(self, target: Target, side: int) -> None:
        super().__init__()
        self._target = (target,)  # in a tuple, so that it is no submodule
        self.num_features = target.latent_shape(torch.zeros(1, 3, side, side))[0] * POOLED**2

    def forward(self, images: Tensor) -> Tensor:
        latents = self._target[0].encode(images * 2 - 1)
        return nn.functional.adaptive_avg_pool2d(latents, POOLED).flatten(1)


def features_named(name: str, target: Target, side: int) -> Features | int:
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
    try:
        return load_vision(name)
    except Exception as error:  # both hub libraries raise kinds of their own
        raise UserError(
            f"utility.features: {name} does not load ({first_line(error)}); give vae or null"
        ) from None


def clip_score(name: str, device: torch.device) -> Callable[[Tensor, Sequence[str]], float]:
    """CLIPScore (Hessel et al. 2021) by torchmetrics and a CLIP model.

    The score takes images (B, 3, H, W) in [0, 1] and their captions.

    Raises:
        UserError: if the model does not load.
    """
    from torchmetrics.multimodal import CLIPScore

    try:
        metric = CLIPScore(clip_loader(name)).to(device)
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
