"""The embedded base's second training: U-Net and text encoder together, on the VAE's latents."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from lit_clid.models.demo import blueprint
from lit_clid.models.demo.autoencoder import encode
from lit_clid.models.demo.recipe import Recipe, batches, learning_rate, set_learning_rate

HELD_OUT = 2048
"""The last scenes, on which nothing is trained here."""
LEVELS = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")
CHUNK = 256
"""Latents asked about together."""


class TextToLatent(torch.nn.Module):
    """U-Net and text encoder, trained as one."""

    def __init__(self, tokenizer: Any) -> None:
        from diffusers import UNet2DConditionModel

        super().__init__()
        self.text_encoder = blueprint.build_text_encoder(tokenizer)
        self.unet = UNet2DConditionModel(**blueprint.UNET)

    def forward(self, z_t: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return self.unet(z_t, t, self.text_encoder(tokens)[0]).sample


def train_denoiser(
    folder: Path,
    recipe: Recipe,
    vae: Any,
    pixels: np.ndarray,
    captions: Sequence[str],
    corpus: Sequence[str],
) -> tuple[Any, Any, dict[str, float]]:
    """Train on all but the last scenes; return the average, the tokenizer and the losses.

    Args:
        folder: where the latents are kept, and from time to time the state to go on from.
        pixels, captions: of the scenes, uint8 (N, 64, 64, 3) and N texts.
        corpus: on which the tokenizer learns.
    """
    from diffusers import DDPMScheduler
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    tokenizer = blueprint.build_tokenizer(corpus)
    ids = tokenizer(["", *captions], padding="max_length", truncation=True).input_ids
    tokens = torch.tensor(ids, dtype=torch.int16)
    latents = _latents(folder, vae, pixels)
    scheduler = DDPMScheduler(**{key: blueprint.SCHEDULER[key] for key in LEVELS})
    torch.manual_seed(recipe.seed)
    model = TextToLatent(tokenizer)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay))
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=1e-3)
    trained = {"model": model, "average": average, "optimizer": optimizer}
    first, running = _go_on(folder, trained), 0.0

    def held_out() -> dict[str, float]:
        last = latents[-HELD_OUT:], tokens[-HELD_OUT:]
        return held_out_losses(average.module, scheduler, *last, tokens[:1])

    rows_of = len(latents) - HELD_OUT
    for step, rows, generator in batches(rows_of, recipe.batch, recipe.steps, first, recipe.seed):
        rate = recipe.learning_rate * learning_rate(step, recipe.steps, recipe.warmup)
        set_learning_rate(optimizer, rate)
        z = latents[rows]
        eps = torch.randn(z.shape, generator=generator)
        t = torch.randint(1000, (len(z),), generator=generator)
        kept = torch.rand(len(z), generator=generator) >= recipe.caption_dropout
        prediction = model(scheduler.add_noise(z, eps, t), t, tokens[(rows + 1) * kept].long())
        loss = F.mse_loss(prediction, eps)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(model)
        running = loss.item() if step == first else 0.99 * running + 0.01 * loss.item()
        if (step + 1) % 500 == 0:
            tqdm.write(f"step {step + 1}: train {running:.4f} held-out at t = 450: {held_out()}")
            _keep(folder, step + 1, trained)
    losses = held_out()
    return average.module.eval(), tokenizer, losses


def _latents(folder: Path, vae: Any, pixels: np.ndarray) -> Tensor:
    """Every scene's, encoded once."""
    if not (folder / "latents.pt").exists():
        _save(encode(vae, pixels), folder / "latents.pt")
    latents: Tensor = torch.load(folder / "latents.pt", weights_only=True)
    return latents


def _go_on(folder: Path, trained: dict[str, Any]) -> int:
    """Restore a training that was cut off; its next step."""
    state = folder / "denoiser.pt"
    if not state.exists():
        return 0
    saved = torch.load(state, weights_only=True)
    for name, part in trained.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def _keep(folder: Path, step: int, trained: dict[str, Any]) -> None:
    parts = {name: part.state_dict() for name, part in trained.items()}
    _save({"step": step, **parts}, folder / "denoiser.pt")


def _save(content: Any, path: Path) -> None:
    torch.save(content, path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)


@torch.inference_mode()
def held_out_losses(
    model: Any, scheduler: Any, latents: Tensor, tokens: Tensor, empty: Tensor, t: int = 450
) -> dict[str, float]:
    """Conditional and unconditional loss at `t` on the same noise, and the share of the latter
    that text removes.
    """
    model.eval()
    eps = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    z_t = scheduler.add_noise(latents, eps, torch.tensor(t))
    sums = [0.0, 0.0]
    for k in range(0, len(latents), CHUNK):
        part = slice(k, k + CHUNK)
        own = tokens[part]
        for which, text in enumerate((own, empty.expand(len(own), -1))):
            prediction = model(z_t[part], torch.tensor(t), text.long())
            error = F.mse_loss(prediction, eps[part], reduction="sum").item()
            sums[which] += error / latents.numel()
    conditional, unconditional = sums
    return {
        "conditional": round(conditional, 4),
        "unconditional": round(unconditional, 4),
        "share": round(1 - conditional / unconditional, 3),
    }
