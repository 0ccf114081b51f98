"""Packed latents: transformers that read 2 × 2 patches of a latent as tokens."""

from functools import lru_cache

import torch
from torch import Tensor

PATCH = 2


def pack(z: Tensor) -> Tensor:
    """z (B, C, h, w) → tokens (B, h·w/4, 4·C), row by row of patches."""
    height, width = (side // PATCH for side in z.shape[-2:])
    patches = z.unflatten(3, (width, PATCH)).unflatten(2, (height, PATCH))
    return patches.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def unpack(tokens: Tensor, height: int, width: int) -> Tensor:
    """Tokens (B, h·w/4, 4·C) → (B, C, h, w), the inverse of `pack`."""
    grid = tokens.unflatten(1, (height // PATCH, width // PATCH)).unflatten(3, (-1, PATCH, PATCH))
    return grid.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


@lru_cache(maxsize=16)
def image_ids(height: int, width: int, device: torch.device) -> Tensor:
    """(0, row, column) (height · width, 3) of each patch of a grid, in float32."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    places = torch.cartesian_prod(rows, columns).float()
    return torch.nn.functional.pad(places, (1, 0))
