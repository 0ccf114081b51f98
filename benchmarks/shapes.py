"""Small pipelines of other shapes, pre-trained on scenes with the embedded base's eyes and ears.

Each keeps the base's VAE; encoders of CLIP's kind start as the base's, T5's is new. Network and
encoders are trained together by the family's own residual, levels and schedule, on scenes that no
experiment draws.
"""

import string
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from lit_clid.data.drawings.scenes import scene
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.quiet import quiet_imports

FIRST_SCENE = 2_000_000_000
"""Scenes for pre-training are numbered from here; no experiment reaches them."""
T5_LENGTH = 48
"""Tokens of T5, some more than the longest caption has."""


def word_tokenizer(captions: Sequence[str]) -> Any:
    """A T5Tokenizer of the captions' words, and of letters for all others."""
    from transformers import T5Tokenizer

    words = Counter(word for caption in captions for word in caption.lower().split())
    pieces = [(f"▁{word}", -1.0) for word in sorted(words)] + [("▁", -2.0)]
    letters = [(letter, -9.0) for letter in string.printable if not letter.isspace()]
    known = {piece for piece, _ in pieces}
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary = [*special, *pieces, *(pair for pair in letters if pair[0] not in known)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=T5_LENGTH)


def t5_encoder(tokenizer: Any, width: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=len(tokenizer), d_model=width, d_kv=32, d_ff=160, num_layers=2, num_heads=4
    )
    return T5EncoderModel(config)


def projecting(encoder: Any) -> Any:
    """The base's text encoder with a projection that changes nothing, to begin with."""
    from transformers import CLIPTextModelWithProjection

    found = CLIPTextModelWithProjection(encoder.config)
    found.load_state_dict(encoder.state_dict(), strict=False)
    torch.nn.init.eye_(found.text_projection.weight)
    return found


def widened(network: Any, known: dict[str, torch.Tensor]) -> None:
    """Start a network as a narrower one: what is new adds nothing, to begin with."""
    own = network.state_dict()
    for name, value in own.items():
        if name in known:
            value.zero_()
            value[tuple(slice(side) for side in known[name].shape)] = known[name]
    torch.nn.init.zeros_(network.add_embedding.linear_2.weight)
    torch.nn.init.zeros_(network.add_embedding.linear_2.bias)


def sdxl(base: Any, captions: Sequence[str]) -> Any:
    """The base's U-Net under two encoders, told of pooled text and of time ids."""
    from diffusers import DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    from lit_clid.models.demo import blueprint

    more = {
        "cross_attention_dim": 256,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 16,
        "projection_class_embeddings_input_dim": 128 + 6 * 16,
    }
    unet = UNet2DConditionModel(**{**blueprint.UNET, **more})
    widened(unet, base.unet.state_dict())
    return StableDiffusionXLPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        text_encoder_2=projecting(base.text_encoder),
        tokenizer=base.tokenizer,
        tokenizer_2=base.tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(**blueprint.SCHEDULER),
        add_watermarker=False,
    )


def flux(base: Any, captions: Sequence[str]) -> Any:
    """Two blocks of two streams and four of one, 16 packed tokens of an image."""
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    tokenizer = word_tokenizer(captions)
    base.vae.register_to_config(shift_factor=0.0)  # which this pipeline wants to be told
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            in_channels=32,
            num_layers=2,
            num_single_layers=4,
            attention_head_dim=24,
            num_attention_heads=4,
            joint_attention_dim=128,
            pooled_projection_dim=128,
            axes_dims_rope=(8, 8, 8),
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=base.vae,
        text_encoder=base.text_encoder,
        tokenizer=base.tokenizer,
        text_encoder_2=t5_encoder(tokenizer, 128),
        tokenizer_2=tokenizer,
    )


SHAPES: dict[str, Callable[[Any, Sequence[str]], Any]] = {"sdxl": sdxl, "flux": flux}


def pretrained(shape: str, folder: Path, count: int, steps: int, batch: int, rate: float) -> Path:
    """A folder of a pre-trained pipeline, made if need be.

    Args:
        shape: of `SHAPES`.
        folder: to write.
        count: scenes.
        steps, batch, rate: of AdamW under a cosine.
    """
    if folder.is_dir():
        return folder
    drawings = [scene(FIRST_SCENE + k) for k in tqdm(range(count), "drawing")]
    captions = [drawing.caption for drawing in drawings]
    fresh = folder.with_name(folder.name + "-fresh")
    with quiet_imports():
        torch.manual_seed(0)
        base = load_target("demo", channels_last=False).pipeline
        SHAPES[shape](base, captions).save_pretrained(fresh, safe_serialization=True)
    target = load_target(str(fresh), channels_last=False)
    latents = _latents(target, [drawing.image for drawing in drawings], folder.parent)
    _train(target, latents, captions, steps, batch, rate)
    target.export(folder)
    return folder


def _latents(target: PipelineTarget, images: Sequence[Any], folder: Path) -> torch.Tensor:
    """Of the base's VAE, kept: all shapes share it."""
    from safetensors.torch import load_file, save_file

    kept, found = folder / f"scenes-{len(images)}.safetensors", list[torch.Tensor]()
    if kept.is_file():
        return load_file(kept)["latents"]
    for k in tqdm(range(0, len(images), 64), "encoding"):
        pixels = torch.stack([_pixels(image) for image in images[k : k + 64]])
        found.append(target.encode(pixels))
    save_file({"latents": torch.cat(found)}, kept)
    return torch.cat(found)


def _pixels(image: Any) -> torch.Tensor:
    """A PIL image (3, H, W) in [−1, 1]."""
    raw = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
    return raw.view(image.height, image.width, 3).permute(2, 0, 1).float() / 127.5 - 1


def _train(
    target: PipelineTarget,
    latents: torch.Tensor,
    captions: Sequence[str],
    steps: int,
    batch: int,
    rate: float,
) -> None:
    """Train network and text encoders together, one caption in ten left out; average at the end."""
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    network = target.denoiser.network
    encoders = target.encoders[len(target.latents.networks) :]
    trained = torch.nn.ModuleList([network, *encoders]).train().requires_grad_(True)
    average = AveragedModel(trained, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    optimizer = torch.optim.AdamW(trained.parameters(), rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.05)
    dice = torch.Generator().manual_seed(0)
    bar = tqdm(range(steps), "pre-training", mininterval=10)
    for step in bar:
        rows = torch.randint(len(latents), (batch,), generator=dice)
        kept = torch.rand(batch, generator=dice) >= 0.1
        texts = [captions[row] if keep else "" for row, keep in zip(rows, kept, strict=True)]
        eps = torch.randn(latents[rows].shape, generator=dice)
        level = target.denoiser.draw_levels(batch, dice)
        embedding = target.text.encode([texts] * len(target.text.tokenizers))
        loss = target.denoiser.residual(latents[rows], eps, level, embedding).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(trained)
        if step % 100 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
    trained.load_state_dict(average.module.state_dict())
    trained.eval().requires_grad_(False)
