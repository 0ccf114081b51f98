"""The embedded base's first training: the VAE, mean squared error + KL."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from lit_clid.models.demo import blueprint
from lit_clid.models.demo.recipe import Recipe, batches, learning_rate, set_learning_rate, to_unit

WARMUP = 200
"""Steps."""
CHUNK = 256
"""Images encoded together."""


def train_vae(folder: Path, recipe: Recipe, pixels: np.ndarray) -> Any:
    """Train the VAE, set its scaling factor to 1/std of the latents, return it frozen.

    Args:
        folder: where it is kept once trained, as `vae`.
        pixels: uint8 (N, 64, 64, 3).
    """
    from diffusers import AutoencoderKL

    if (folder / "vae").exists():
        kept = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        return kept.eval().requires_grad_(False)
    torch.manual_seed(recipe.seed)
    vae = AutoencoderKL(**blueprint.VAE)
    peak, steps = recipe.vae_learning_rate, recipe.vae_steps
    optimizer = torch.optim.AdamW(vae.parameters(), peak, weight_decay=1e-4)
    for step, rows, generator in batches(len(pixels), recipe.vae_batch, steps, 0, recipe.seed):
        set_learning_rate(optimizer, peak * learning_rate(step, steps, WARMUP))
        x = to_unit(pixels[rows.sort().values.numpy()])
        loss, said = _loss(vae, x, recipe.kl_weight, generator)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step % 200 == 0:
            tqdm.write(f"vae step {step}: {said}")
    vae.eval().requires_grad_(False)
    deviation = encode(vae, pixels[:2048], scaled=False).std().item()
    vae.register_to_config(scaling_factor=round(1 / deviation, 5))
    vae.save_pretrained(folder / "vae")
    return vae


def _loss(vae: Any, x: Tensor, kl_weight: float, generator: torch.Generator) -> tuple[Tensor, str]:
    """The loss of images x (B, 3, 64, 64), and its parts in words."""
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(x).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator)
        z = posterior.mean + posterior.std * noise
        y = vae.decode(z).sample
    error = F.mse_loss(y.float(), x)
    kl = posterior.kl().float().mean() / z[0].numel()
    said = f"mse {error:.5f} latent std {posterior.mean.float().std():.3f}"
    return error + kl_weight * kl, said


@torch.inference_mode()
def encode(vae: Any, pixels: np.ndarray, scaled: bool = True) -> Tensor:
    """Posterior means (N, 8, 8, 8), times the scaling factor if `scaled`."""
    factor = vae.config.scaling_factor if scaled else 1.0
    parts = []
    for k in range(0, len(pixels), CHUNK):
        posterior = vae.encode(to_unit(pixels[k : k + CHUNK])).latent_dist
        parts.append(posterior.mean * factor)
    return torch.cat(parts)
