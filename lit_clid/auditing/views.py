"""Views of a record's image: itself, and the neighbours that some attacks compare it with."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class View:
    """The whole image, and the base of all others."""

    def apply(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) → images of the same shape."""
        return images


@dataclass(frozen=True)
class Crop(View):
    """The centre of the image, resized to the image's own size (bilinear).

    Args:
        share: of the image's sides, in (0, 1).
    """

    share: float

    def apply(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        h, w = max(1, round(self.share * height)), max(1, round(self.share * width))
        top, left = (height - h) // 2, (width - w) // 2
        centre = images[..., top : top + h, left : left + w]
        return interpolate(centre, (height, width), mode="bilinear", align_corners=False)


WHOLE = View()
