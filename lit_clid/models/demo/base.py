"""The embedded base's folder: half-precision weights, a model card, a sheet of samples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from lit_clid.models.demo import blueprint

CARD = Path(__file__).parent / "card.md"
"""The model card's text, to be formatted."""
CELL = 64
"""Side of a drawing in pixels."""


def write_base(
    folder: Path,
    vae: Any,
    denoiser: Any,
    tokenizer: Any,
    shown: Sequence[tuple[Image.Image, str]],
    facts: dict[str, Any],
) -> None:
    """Write the diffusers folder with its model card and samples.

    Args:
        shown: 16 scenes and their captions, to be drawn by the base and laid beside the scenes.
        facts: what the card says beside sizes: `recipe`, `held_out` losses, `first` scene.
    """
    pipeline = blueprint.assemble(vae, denoiser.text_encoder, tokenizer, denoiser.unet)
    pipeline.to(torch.float16).save_pretrained(folder, safe_serialization=True)
    _forget_origin(folder / "vae" / "config.json")
    _draw(pipeline, shown).save(folder / "samples.png")
    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    parts = {"VAE": vae, "text encoder": denoiser.text_encoder, "U-Net": denoiser.unet}
    counts = ", ".join(f"{name} {_count(part):,}" for name, part in parts.items())
    text = CARD.read_text(encoding="utf-8").format(counts=counts, size=size / 1e6, **facts)
    (folder / "README.md").write_text(text, encoding="utf-8")


def _count(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _draw(pipeline: Any, shown: Sequence[tuple[Image.Image, str]]) -> Image.Image:
    """What the base draws of each caption, below it the scene; twice as large."""
    pipeline.to(torch.float32).set_progress_bar_config(disable=True)
    captions = [caption for _, caption in shown]
    shape = (len(shown), *latent_shape(pipeline))
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    images = pipeline(captions, latents=noise, num_inference_steps=50, guidance_scale=4.0).images
    sheet = Image.new("RGB", (8 * CELL, 4 * CELL))
    for k, (drawn, (scene, _)) in enumerate(zip(images, shown, strict=True)):
        left, top = CELL * (k % 8), 2 * CELL * (k // 8)
        sheet.paste(drawn, (left, top))
        sheet.paste(scene, (left, top + CELL))
    return sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST)


def latent_shape(pipeline: Any) -> tuple[int, int, int]:
    """Shape of one latent of a pipeline."""
    side = pipeline.unet.config.sample_size
    return pipeline.unet.config.in_channels, side, side


def _forget_origin(config: Path) -> None:
    """Drop the path that diffusers notes of where a part was loaded from: it means nothing
    elsewhere.
    """
    content = json.loads(config.read_text(encoding="utf-8"))
    content.pop("_name_or_path", None)
    config.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
