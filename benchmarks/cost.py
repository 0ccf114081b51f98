"""What does an audit of a million records cost, by family? `python benchmarks/cost.py`.

Every network is built from the released model's config without weights, and a call is counted on
the meta device. Rewrites the table of docs/scale.md. `python benchmarks/cost.py FOLDER` says the
same of any diffusers folder or hub id, at `--side` pixels.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pages import insert

from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.auditing.queries import tally
from lit_clid.auditing.shards import FULL
from lit_clid.models.families import FAMILIES
from lit_clid.models.needs import Ask, reckon, work_of
from lit_clid.models.quiet import quiet_imports
from lit_clid.parquet import write_parquet

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
MILLION = 1_000_000
PEAK, UTILISED = 400e12, 0.4
"""Assumed of a card: dense bf16 FLOP/s, and the share of them that an audit uses."""
ASKED: Mapping[str, tuple[str, ...]] = {
    "`clid_th_null`": ("clid_th_null",),
    "`clir`": ("clir",),
    "all but the costly": tuple(name for name in ATTACKS if name not in COSTLY),
}
XL = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


@dataclass(frozen=True)
class Shape:
    """A released model's network.

    Args:
        pipeline: its family's class in diffusers.
        network: the network's class, whose defaults are the config that `config` changes.
        side: of the images in pixels.
        channels: of a latent.
        factor: pixels beside a latent's place.
    """

    pipeline: str
    network: str
    side: int = 1024
    config: Mapping[str, Any] = field(default_factory=dict)
    channels: int = 16
    factor: int = 8


SHAPES = {
    "Stable Diffusion 1.5": Shape(
        "StableDiffusionPipeline", "UNet2DConditionModel", 512, {"cross_attention_dim": 768}, 4
    ),
    "Stable Diffusion XL": Shape(
        "StableDiffusionXLPipeline", "UNet2DConditionModel", config=XL, channels=4
    ),
    "Kolors": Shape(
        "KolorsPipeline",
        "UNet2DConditionModel",
        config=XL
        | {
            "encoder_hid_dim": 4096,
            "encoder_hid_dim_type": "text_proj",
            "projection_class_embeddings_input_dim": 5632,
        },
        channels=4,
    ),
    "PixArt-Σ": Shape(
        "PixArtSigmaPipeline",
        "PixArtTransformer2DModel",
        config={"sample_size": 128, "caption_channels": 4096},
        channels=4,
    ),
    "Stable Diffusion 3.5 Medium": Shape(
        "StableDiffusion3Pipeline",
        "SD3Transformer2DModel",
        config={
            "num_layers": 24,
            "num_attention_heads": 24,
            "caption_projection_dim": 1536,
            "pos_embed_max_size": 384,
            "dual_attention_layers": tuple(range(13)),
            "qk_norm": "rms_norm",
        },
    ),
    "FLUX.1 dev": Shape("FluxPipeline", "FluxTransformer2DModel", config={"guidance_embeds": True}),
    "FLUX.2 klein 4B": Shape(
        "Flux2KleinPipeline",
        "Flux2Transformer2DModel",
        config={
            "num_layers": 5,
            "num_single_layers": 20,
            "num_attention_heads": 24,
            "joint_attention_dim": 7680,
            "guidance_embeds": False,
        },
        channels=128,
        factor=16,
    ),
    "Chroma": Shape("ChromaPipeline", "ChromaTransformer2DModel"),
    "Qwen-Image": Shape("QwenImagePipeline", "QwenImageTransformer2DModel"),
    "Z-Image": Shape("ZImagePipeline", "ZImageTransformer2DModel"),
    "Lumina-Image 2.0": Shape(
        "Lumina2Pipeline", "Lumina2Transformer2DModel", config={"cap_feat_dim": 2304}
    ),
    "Sana 1.6B": Shape("SanaPipeline", "SanaTransformer2DModel", channels=32, factor=32),
    "AuraFlow": Shape("AuraFlowPipeline", "AuraFlowTransformer2DModel", channels=4),
}


def work(shape: Shape) -> tuple[int, float]:
    """Parameters of the network, and floating-point operations of a query."""
    with quiet_imports():
        import diffusers

        with torch.device("meta"):
            network = getattr(diffusers, shape.network)(**shape.config)
    place = shape.side // shape.factor
    pipeline = SimpleNamespace(vae_scale_factor=shape.factor)
    latent = (shape.channels, place, place)
    found = work_of(FAMILIES[shape.pipeline], pipeline, network.eval(), latent)
    return sum(p.numel() for p in network.parameters()), found


def queries(names: tuple[str, ...]) -> int:
    """Of a record."""
    return tally({name: ATTACKS[name] for name in names}, {1: 1}).per_record


def disk(columns: int) -> float:
    """Bytes of a record in a full shard."""
    dice = np.random.default_rng(0)
    signals = {f"signal_{k}": dice.normal(size=FULL) for k in range(columns)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "shard.parquet"
        ids = [f"{int(name):016x}" for name in dice.integers(2**62, size=FULL)]
        write_parquet(path, ids, np.arange(FULL) % 2 == 0, signals)
        return path.stat().st_size / FULL


def hours(operations: float) -> float:
    """Of one such card."""
    return operations / (PEAK * UTILISED) / 3600


def row(name: str, side: int, parameters: int, each: float) -> str:
    """A family's line: a query, then GPU-hours for a million records by what is asked."""
    cells = [name, f"{side}", f"{parameters / 1e9:.2f}", f"{each / 1e12:.2f}"]
    for names in ASKED.values():
        cells.append(f"{hours(MILLION * queries(names) * each):,.0f}")
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """Every family, and what is the same for all."""
    asked = [f"{label}, {queries(names)} queries" for label, names in ASKED.items()]
    head = ["model", "pixels", "network, 10⁹", "TFLOP a query", *(f"{a}: GPU-h" for a in asked)]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, shape in SHAPES.items():
        lines.append(row(name, shape.side, *work(shape)))
    told = [f"{disk(columns) * MILLION / 1e6:,.0f} MB for {columns}" for columns in (1, 10, 60)]
    lines += ["", f"Disk for a million records, by columns of signals: {', '.join(told)}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", nargs="?", help="a diffusers folder or hub id; none: all families")
    parser.add_argument("--side", type=int, help="pixels; none: the model's own")
    arguments = parser.parse_args()
    if arguments.model is None:
        PAGE.write_text(insert(PAGE.read_text(encoding="utf-8"), "cost", table()), "utf-8")
        return
    needs = reckon(arguments.model, Ask(arguments.side, 1, 1, torch.bfloat16))
    print(row(needs.title, needs.side, needs.network, needs.work))


if __name__ == "__main__":
    main()
