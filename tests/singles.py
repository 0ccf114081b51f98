"""A tiny Stable Diffusion pipeline in one file, by the names of its first release."""

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

UNET_PARTS = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
LAYERS = 2
"""Inputs of a block, its resnets and the next size; outputs, one resnet more."""


def unet_name(name: str) -> str:
    """A weight of the U-Net, as Rombach et al. call it."""
    for ours, theirs in UNET_ENDS.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs)
    found = re.fullmatch(r"(down|mid|up)_block(?:s\.(\d+))?\.(\w+)\.(\d+)\.(.*)", name)
    assert found is not None, name
    side, block, kind, layer, rest = found[1], int(found[2] or 0), found[3], int(found[4]), found[5]
    for ours, theirs in UNET_PARTS.items() if kind == "resnets" else []:
        rest = re.sub(rf"^{ours}\.", f"{theirs}.", rest)
    if side == "mid":
        return f"middle_block.{2 * layer if kind == 'resnets' else 1}.{rest}"
    if side == "down" and kind == "downsamplers":
        return f"input_blocks.{LAYERS * (block + 1)}.0.{rest.replace('conv.', 'op.')}"
    if side == "up" and kind == "upsamplers":
        return f"output_blocks.{LAYERS * (block + 1) - 1}.2.{rest}"
    place = int(kind == "attentions")
    if side == "down":
        return f"input_blocks.{1 + LAYERS * block + layer}.{place}.{rest}"
    return f"output_blocks.{LAYERS * block + layer}.{place}.{rest}"


def vae_name(name: str, blocks: int) -> str:
    """A weight of the autoencoder, likewise."""
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    for ours, theirs in (("resnets", "block"), ("upsamplers.0", "upsample")):
        pattern = rf"up_blocks\.(\d)\.{re.escape(ours)}"
        name = re.sub(pattern, lambda m, t=theirs: f"up.{blocks - 1 - int(m[1])}.{t}", name)  # type: ignore[misc]
    return name


def save_single(pipeline: Any, file: Path, *, text: bool = True) -> Path:
    """The whole pipeline, or without its text encoder."""
    tensors: dict[str, Tensor] = {}
    for name, value in pipeline.unet.state_dict().items():
        tensors[f"model.diffusion_model.{unet_name(name)}"] = value.contiguous()
    blocks = len(pipeline.vae.config.block_out_channels)
    for name, value in pipeline.vae.state_dict().items():
        tensors[f"first_stage_model.{vae_name(name, blocks)}"] = value.contiguous()
    for name, value in pipeline.text_encoder.state_dict().items() if text else []:
        own = name.removeprefix("text_model.")
        tensors[f"cond_stage_model.transformer.text_model.{own}"] = value.contiguous()
    save_file(tensors, file)
    return file
