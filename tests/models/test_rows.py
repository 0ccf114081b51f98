"""A device without memory for so many rows of a call gets fewer, and answers the same."""

from pathlib import Path

import pytest
import torch
from pipelines import make_pipeline

from lit_clid.models.load import load_target


def test_rows_are_halved_until_they_fit(tmp_path: Path) -> None:
    target = load_target(str(make_pipeline(tmp_path / "tiny")), rows=16)
    denoiser, asked = target.denoiser, list[int]()
    z = torch.randn(12, *target.latent_shape(torch.zeros(1, 3, 64, 64)))
    rows = (z, torch.arange(0, 960, 80), target.embed([f"number {k}" for k in range(12)]))
    expected, call = target.eps(*rows), denoiser.call

    def small(network: object, z: torch.Tensor, *more: object) -> torch.Tensor:
        asked.append(len(z))
        if len(z) > 3:
            raise torch.OutOfMemoryError
        return call(network, z, *more)  # type: ignore[arg-type]

    denoiser.call = small
    torch.testing.assert_close(target.eps(*rows), expected, rtol=1e-5, atol=1e-6)
    assert asked == [12, 6, 3, 3, 3, 3] and target.rows == 3
    target.eps(*rows)
    assert asked[6:] == [3, 3, 3, 3]


def test_images_are_halved_until_they_fit(pipeline_folder: Path) -> None:
    target = load_target(str(pipeline_folder))
    encode, asked = target.latents.encode, list[int]()
    images = torch.rand(7, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise = torch.randn(7, *target.latent_shape(images))
    expected = target.encode(images, noise)

    def small(images: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError
        return encode(images, noise)

    target.latents.encode = small  # type: ignore[method-assign,assignment]
    torch.testing.assert_close(target.encode(images, noise), expected, rtol=1e-5, atol=1e-6)
    assert asked == [7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_a_single_row_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    target = load_target(str(make_pipeline(tmp_path / "tiny")), rows=1)

    def none(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError

    target.denoiser.call = none
    z = torch.zeros(1, *target.latent_shape(torch.zeros(1, 3, 64, 64)))
    with pytest.raises(torch.OutOfMemoryError):
        target.eps(z, torch.tensor([450]), target.embed([""]))
