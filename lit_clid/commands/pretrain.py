"""Make the embedded base: `python -m lit_clid.commands.pretrain`.

Three stages, each kept once finished: render scenes, train the VAE, train the U-Net together with
the text encoder on the VAE's latents with 10 % caption dropout (this one also goes on from its
middle). The exported folder holds half-precision weights, a model card with the measured losses and
a grid of samples.
"""

import argparse
import json
import math
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene
from lit_clid.models.demo import PIPELINE, blueprint

FIRST_SCENE = 1_000_000_000
"""Number of the first scene seen; no scene that an experiment draws (0, 1, …) is among them."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights besides the blueprint."""

    scenes: int = 98_304
    vae_steps: int = 4_200
    vae_batch: int = 32
    vae_learning_rate: float = 2e-3
    kl_weight: float = 3e-5
    steps: int = 7_000
    batch: int = 64
    learning_rate: float = 1.2e-3
    warmup: int = 500
    caption_dropout: float = 0.1
    ema_decay: float = 0.999
    seed: int = 0


def _render(index: int) -> tuple[np.ndarray, str]:
    drawing = scene(FIRST_SCENE + index)
    return np.asarray(drawing.image), drawing.caption


def render(folder: Path, recipe: Recipe) -> tuple[np.ndarray, list[str]]:
    """Render the pre-training scenes once into a memory map (N, 64, 64, 3) and a caption file."""
    pixels, captions = folder / "scenes.npy", folder / "captions.txt"
    if not captions.exists():
        sheet = np.lib.format.open_memmap(pixels, "w+", np.uint8, (recipe.scenes, 64, 64, 3))
        with multiprocessing.Pool() as pool, captions.with_suffix(".part").open("w") as out:
            rows = pool.imap(_render, range(recipe.scenes), chunksize=64)
            shown = tqdm(rows, "render", recipe.scenes, mininterval=5)
            for k, (image, caption) in enumerate(shown):
                sheet[k] = image
                out.write(caption + "\n")
        captions.with_suffix(".part").rename(captions)
    return np.load(pixels, mmap_mode="r"), captions.read_text().splitlines()


def _to_unit(pixels: np.ndarray) -> Tensor:
    """uint8 (B, 64, 64, 3) → float (B, 3, 64, 64) in [−1, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _learning_rate(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then cosine to 1 % of the peak."""
    ramp = min(1.0, (step + 1) / warmup)
    return ramp * (0.505 + 0.495 * math.cos(math.pi * step / steps))


def _batches(
    count: int, batch: int, steps: int, first: int, seed: int
) -> Iterator[tuple[int, Tensor, torch.Generator]]:
    """Yield (step, row numbers, generator), each a function of (seed, step).

    Args:
        count: rows there are.
        batch: rows in a batch.
        steps, first: the steps are first…steps−1.
        seed: of the draws.
    """
    for step in tqdm(range(first, steps), initial=first, total=steps, mininterval=5):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        yield step, torch.randint(count, (batch,), generator=generator), generator


def train_vae(folder: Path, recipe: Recipe, pixels: np.ndarray) -> Any:
    """Train the VAE (MSE + KL), set its scaling factor to 1/std of the latents, freeze it."""
    from diffusers import AutoencoderKL

    if (folder / "vae").exists():
        made = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        return made.eval().requires_grad_(False)
    torch.manual_seed(recipe.seed)
    vae = AutoencoderKL(**blueprint.VAE)
    optimizer = torch.optim.AdamW(vae.parameters(), recipe.vae_learning_rate, weight_decay=1e-4)
    batches = _batches(len(pixels), recipe.vae_batch, recipe.vae_steps, 0, recipe.seed)
    for step, rows, generator in batches:
        for group in optimizer.param_groups:
            group["lr"] = recipe.vae_learning_rate * _learning_rate(step, recipe.vae_steps, 200)
        x = _to_unit(pixels[rows.sort().values.numpy()])
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(x).latent_dist
            eps = torch.randn(posterior.mean.shape, generator=generator)
            z = posterior.mean + posterior.std * eps
            y = vae.decode(z).sample
        error = F.mse_loss(y.float(), x)
        loss = error + recipe.kl_weight * posterior.kl().float().mean() / z[0].numel()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if step % 200 == 0:
            std = posterior.mean.float().std()
            tqdm.write(f"vae step {step}: mse {error:.5f} latent std {std:.3f}")
    vae.eval().requires_grad_(False)
    std = encode(vae, pixels[:2048], scaled=False).std()
    vae.register_to_config(scaling_factor=round(1 / std.item(), 5))
    vae.save_pretrained(folder / "vae")
    return vae


@torch.inference_mode()
def encode(vae: Any, pixels: np.ndarray, scaled: bool = True) -> Tensor:
    """Posterior means (N, 8, 8, 8), times the scaling factor if `scaled`."""
    factor = vae.config.scaling_factor if scaled else 1.0
    parts: list[Tensor] = []
    for k in range(0, len(pixels), 256):
        parts.append(vae.encode(_to_unit(pixels[k : k + 256])).latent_dist.mean * factor)
    return torch.cat(parts)


class Denoiser(torch.nn.Module):
    """U-Net and text encoder, trained as one."""

    def __init__(self, tokenizer: Any) -> None:
        from diffusers import UNet2DConditionModel

        super().__init__()
        self.text_encoder = blueprint.build_text_encoder(tokenizer)
        self.unet = UNet2DConditionModel(**blueprint.UNET)

    def forward(self, z_t: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return self.unet(z_t, t, self.text_encoder(tokens)[0]).sample


BETAS = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")
"""What the training's scheduler has of the pipeline's."""


def train_denoiser(
    folder: Path, recipe: Recipe, vae: Any, pixels: np.ndarray, captions: list[str]
) -> tuple[Any, Any, dict[str, float]]:
    """Train U-Net and text encoder on all but the last 2 048 scenes.

    Returns the average, the tokenizer and the held-out losses.
    """
    from diffusers import DDPMScheduler
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    critters = [critter(FIRST_SCENE + k).caption for k in range(8192)]
    tokenizer = blueprint.build_tokenizer(captions[:8192] + critters)
    read = tokenizer(["", *captions], padding="max_length", truncation=True)
    tokens = torch.tensor(read.input_ids, dtype=torch.int16)
    if not (folder / "latents.pt").exists():
        torch.save(encode(vae, pixels), folder / "latents.part")
        (folder / "latents.part").rename(folder / "latents.pt")
    latents = torch.load(folder / "latents.pt", weights_only=True)
    scheduler = DDPMScheduler(**{key: blueprint.SCHEDULER[key] for key in BETAS})
    torch.manual_seed(recipe.seed)
    model = Denoiser(tokenizer)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay))
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, weight_decay=1e-3)
    state, first = folder / "denoiser.pt", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        first = saved["step"]
        for part, name in ((model, "model"), (average, "average"), (optimizer, "optimizer")):
            part.load_state_dict(saved[name])
    running = 0.0
    seen = len(latents) - 2048
    unseen, unread, empty = latents[-2048:], tokens[-2048:], tokens[:1]
    for step, rows, generator in _batches(seen, recipe.batch, recipe.steps, first, recipe.seed):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _learning_rate(step, recipe.steps, recipe.warmup)
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
            test = held_out_losses(average.module, scheduler, unseen, unread, empty)
            tqdm.write(f"step {step + 1}: train {running:.4f} held-out at t = 450: {test}")
            parts = {
                "step": step + 1,
                "model": model.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            torch.save(parts, state.with_suffix(".part"))
            state.with_suffix(".part").rename(state)
    held_out = held_out_losses(average.module, scheduler, unseen, unread, empty)
    return average.module.eval(), tokenizer, held_out


@torch.inference_mode()
def held_out_losses(
    model: Any, scheduler: Any, latents: Tensor, tokens: Tensor, empty: Tensor, t: int = 450
) -> dict[str, float]:
    """Conditional and unconditional loss at `t` on the same noise.

    The share is that of the latter which text removes.
    """
    model.eval()
    eps = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    z_t = scheduler.add_noise(latents, eps, torch.tensor(t))
    sums = [0.0, 0.0]
    for k in range(0, len(latents), 256):
        own = tokens[k : k + 256]
        for which, text in enumerate((own, empty.expand(len(own), -1))):
            prediction = model(z_t[k : k + 256], torch.tensor(t), text.long())
            error = F.mse_loss(prediction, eps[k : k + 256], reduction="sum")
            sums[which] += error.item() / latents.numel()
    conditional, unconditional = sums
    return {
        "conditional": round(conditional, 4),
        "unconditional": round(unconditional, 4),
        "share": round(1 - conditional / unconditional, 3),
    }


def write_base(
    folder: Path,
    vae: Any,
    denoiser: Any,
    tokenizer: Any,
    recipe: Recipe,
    held_out: dict[str, float],
) -> None:
    """Write the diffusers folder in half precision with its model card and a grid of samples."""
    pipeline = blueprint.assemble(vae, denoiser.text_encoder, tokenizer, denoiser.unet)
    pipeline = pipeline.to(torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True)
    _forget_origin(folder / "vae" / "config.json")
    pipeline.to(torch.float32).set_progress_bar_config(disable=True)
    captions = [scene(FIRST_SCENE - 1 - k).caption for k in range(16)]
    noise = torch.randn(16, *encode_shape(pipeline), generator=torch.Generator().manual_seed(0))
    images = pipeline(captions, latents=noise, num_inference_steps=50, guidance_scale=4.0).images
    sheet = Image.new("RGB", (8 * 64, 4 * 64))
    for k, image in enumerate(images):
        sheet.paste(image, (64 * (k % 8), 128 * (k // 8)))
        sheet.paste(scene(FIRST_SCENE - 1 - k).image, (64 * (k % 8), 128 * (k // 8) + 64))
    large = sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST)
    large.save(folder / "samples.png")
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    parts = {"VAE": vae, "text encoder": denoiser.text_encoder, "U-Net": denoiser.unet}
    counts: list[str] = []
    for name, part in parts.items():
        counts.append(f"{name} {sum(p.numel() for p in part.parameters()):,}")
    card = CARD.format(
        recipe=recipe,
        held_out=held_out,
        counts=", ".join(counts),
        size=size / 1e6,
        first=FIRST_SCENE,
        captions=captions,
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _forget_origin(config: Path) -> None:
    """Drop the path that a part was loaded from; it means nothing elsewhere."""
    content = json.loads(config.read_text(encoding="utf-8"))
    content.pop("_name_or_path", None)
    config.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def encode_shape(pipeline: Any) -> tuple[int, int, int]:
    """Shape of one latent of a pipeline."""
    side = pipeline.unet.config.sample_size
    return pipeline.unet.config.in_channels, side, side


CARD = """---
license: apache-2.0
pipeline_tag: text-to-image
library_name: diffusers
---

# The embedded base of lit-clid

A very small Stable-Diffusion-shaped pipeline for demonstrations and tests: 64×64 pixels, latents
8×8×8, captions in a lower-casing byte-level BPE that accepts any text. Parameters: {counts};
{size:.2f} MB of half-precision safetensors.

## Data

{recipe.scenes:,} *scenes* of `lit_clid.data.drawings.scenes`, numbers {first:,} onwards: drawings
of two objects on a ground, with captions that tell shapes, colours, sizes, textures and places. No
photograph, no scraped data, no person. U-Net and text encoder never saw the last 2,048; the VAE saw
all. The tokenizer's merges were learnt on captions of 8,192 scenes and 8,192 critters; no critter's
picture was used.

## Training

`python -m lit_clid.commands.pretrain` on two CPU cores, seed {recipe.seed}:

1. the VAE, {recipe.vae_steps:,} steps of {recipe.vae_batch} (MSE + {recipe.kl_weight:g} KL), bf16
   autocast;
2. U-Net and text encoder together, {recipe.steps:,} steps of {recipe.batch}, AdamW, peak learning
   rate {recipe.learning_rate:g} with cosine decay, {recipe.caption_dropout:.0%} caption dropout,
   moving average {recipe.ema_decay}.

## Losses on the held-out scenes, t = 450, same noise

| condition | ‖ε_θ − ε‖² per element |
|---|---|
| own caption | {held_out[conditional]:.4f} |
| empty caption | {held_out[unconditional]:.4f} |

The text removes {held_out[share]:.1%} of the unconditional loss.

## Samples

50 DDIM steps, guidance 4, captions the model never saw; below each sample the scene that its
caption belongs to.

![samples](samples.png)

## Limits

It knows nothing but such scenes. Its use is to be fine-tuned and audited in minutes, not to draw.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--work", type=Path, default=Path("runs/base"), help="folder of intermediate results"
    )
    parser.add_argument("--out", type=Path, default=PIPELINE, help="diffusers folder to write")
    arguments = parser.parse_args()
    recipe = Recipe()
    arguments.work.mkdir(parents=True, exist_ok=True)
    pixels, captions = render(arguments.work, recipe)
    vae = train_vae(arguments.work, recipe, pixels)
    denoiser, tokenizer, held_out = train_denoiser(arguments.work, recipe, vae, pixels, captions)
    write_base(arguments.out, vae, denoiser, tokenizer, recipe, held_out)


if __name__ == "__main__":
    main()
