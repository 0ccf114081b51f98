"""Image augmentation by kornia, on the batch and on the training device.

Its random numbers come from the CPU generator seeded with (seed, defense, batch, rank): a resumed
run sees the images that an uninterrupted one would have seen.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lit_clid.randomness import seeded
from lit_clid.training.defenses.defense import ImageDefense, check_range


def augment(module: torch.nn.Module, images: Tensor, seed: int) -> Tensor:
    """Apply a kornia augmentation to images (B, 3, H, W) in [−1, 1], with its dice at `seed`."""
    with torch.no_grad(), seeded(seed):
        found: Any = module(((images.float() + 1) / 2).clamp(0, 1))
    changed: Tensor = found[0] if isinstance(found, list) else found
    return changed.clamp(0, 1).to(images.dtype) * 2 - 1


@dataclass(frozen=True)
class RandomResizedCrop(ImageDefense):
    """A random part of the image, `scale` of its area and of an aspect ratio in `ratio`, resized to
    the whole.

    Szegedy et al. 2015.
    """

    scale: tuple[float, ...] = (0.8, 1.0)
    ratio: tuple[float, ...] = (0.9, 1.1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("scale", self.scale, 0.01, 1)
        check_range("ratio", self.ratio, 0.1, 10)

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomResizedCrop as Crop

        return Crop((side, side), self.scale, self.ratio, p=self.probability)

    def describe(self) -> str:
        return f"random resized crops of {self.scale[0]:.0%}–{self.scale[1]:.0%} of the area"


@dataclass(frozen=True)
class Flip(ImageDefense):
    """Horizontal mirror images (Zhai et al. 2024, real-world training)."""

    probability: float = 0.5

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomHorizontalFlip

        return RandomHorizontalFlip(p=self.probability)

    def describe(self) -> str:
        return f"{self.probability:.0%} of the images are mirrored"


@dataclass(frozen=True)
class ColourJitter(ImageDefense):
    """Brightness, contrast and saturation are scaled by up to 1 ± their value, the hue is turned by
    up to ± `hue`.

    Krizhevsky et al. 2012.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("brightness", "contrast", "saturation"):
            check_range(name, (0, getattr(self, name)), 0, 1)
        check_range("hue", (0, self.hue), 0, 0.5)

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import ColorJitter

        return ColorJitter(
            self.brightness, self.contrast, self.saturation, self.hue, p=self.probability
        )

    def describe(self) -> str:
        return (
            f"brightness ± {self.brightness:g}, contrast ± {self.contrast:g}, saturation ± "
            f"{self.saturation:g}, hue ± {self.hue:g}"
        )


@dataclass(frozen=True)
class Blur(ImageDefense):
    """Gaussian blur with a standard deviation in `sigma`, in pixels."""

    sigma: tuple[float, ...] = (0.1, 1.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("sigma", self.sigma, 0.01, 100)

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomGaussianBlur

        width = min(2 * round(3 * self.sigma[1]) + 1, side - 1 + side % 2)
        return RandomGaussianBlur((max(3, width), max(3, width)), self.sigma, p=self.probability)

    def describe(self) -> str:
        return f"blur of {self.sigma[0]:g}–{self.sigma[1]:g} pixels"


@dataclass(frozen=True)
class JPEG(ImageDefense):
    """JPEG compression at a quality in `quality` (1–100)."""

    quality: tuple[float, ...] = (40.0, 90.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("quality", self.quality, 1, 100)

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomJPEG

        return RandomJPEG(tuple(self.quality), p=self.probability)

    def describe(self) -> str:
        return f"JPEG compression at quality {self.quality[0]:g}–{self.quality[1]:g}"


@dataclass(frozen=True)
class RandAugment(ImageDefense):
    """`operations` random operations of strength `magnitude` (1–29); always on every image
    (Cubuk et al. 2020).
    """

    operations: int = 2
    magnitude: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.operations < 1 or not 1 <= self.magnitude <= 29:
            raise ValueError(
                f"operations = {self.operations}, magnitude = {self.magnitude}: at least 1, and "
                "within 1…29"
            )
        if self.probability != 1:
            raise ValueError("RandAugment has no probability; lower operations or magnitude")

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation.auto import RandAugment as Random

        return Random(n=self.operations, m=self.magnitude)

    def describe(self) -> str:
        return f"RandAugment, {self.operations} operations of magnitude {self.magnitude}"


@dataclass(frozen=True)
class CutMix(ImageDefense):
    """A box of another member's image is pasted over a tenth to a half of the image; the caption
    stays.

    Yun et al. 2019.
    """

    across_records = True
    probability: float = 0.5

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomCutMixV2

        return RandomCutMixV2(
            cut_size=(0.51, 0.9),
            p=self.probability,
            data_keys=["input"],
            use_correct_lambda=True,
            keepdim=True,
        )

    def describe(self) -> str:
        return f"CutMix in {self.probability:.0%} of the batches"


@dataclass(frozen=True)
class MixUp(ImageDefense):
    """The image is mixed with up to `most` of another member's; the caption stays that of the
    larger part.

    Zhang et al. 2018.
    """

    across_records = True
    probability: float = 0.5
    most: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("most", (0, self.most), 0, 0.5)

    def build(self, side: int) -> torch.nn.Module:
        from kornia.augmentation import RandomMixUpV2

        return RandomMixUpV2(
            (0.0, self.most), p=self.probability, data_keys=["input"], keepdim=True
        )

    def describe(self) -> str:
        return f"MixUp of up to {self.most:.0%} in {self.probability:.0%} of the batches"
