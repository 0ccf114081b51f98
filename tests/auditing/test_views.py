"""Crops."""

import torch

from lit_clid.auditing.views import Crop


def test_crops_keep_the_middle_and_the_size() -> None:
    images = torch.arange(64.0).view(1, 1, 8, 8)
    assert torch.equal(Crop(0.999).apply(images), images)
    centre = Crop(0.5).apply(images)
    assert centre.shape == images.shape
    assert (centre.min(), centre.max()) == (images[0, 0, 2, 2], images[0, 0, 5, 5])
    assert centre.mean() == images.mean()
