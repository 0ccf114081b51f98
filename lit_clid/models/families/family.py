"""What a family says of itself; `pipeline.PipelineTarget` puts its parts together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lit_clid.errors import UserError, few
from lit_clid.models.denoiser import Call
from lit_clid.models.latents import KLLatents, Latents
from lit_clid.models.schedules import Schedule
from lit_clid.models.text import Text

WEIGHTS = ("config.json", "*.safetensors")
TOKENIZER = ("*.json", "tokenizer_config.json")
SCHEDULER = ("scheduler_config.json",)
TRANSFORMER = {
    "transformer": WEIGHTS,
    "vae": WEIGHTS,
    "text_encoder": WEIGHTS,
    "tokenizer": TOKENIZER,
    "scheduler": SCHEDULER,
}
"""Parts of a pipeline of a transformer under one text encoder."""


def drawn(pipeline: Any, noise: Tensor, guidance: float) -> Mapping[str, Any]:
    """What most pipelines take."""
    return {"latents": noise, "guidance_scale": guidance}


@dataclass(frozen=True)
class Family:
    """A family of text-to-image pipelines.

    Args:
        title: how people call it.
        preset: file of configs/models, without its ending, that has the recipe people use.
        pipeline: its class in diffusers, which `model_index.json` names.
        network: the pipeline's part that denoises.
        parts: part → patterns of the files that its folder must hold.
        groups: what `finetune.train` may name → parts of the names of the parameters it trains.
        lora: modules of the network that LoRA factors are added to.
        text: pipeline → its text encoders.
        latents: pipeline → the space it denoises in.
        sides: network → the number that a latent's side is a multiple of, and its largest side;
            None if any is taken.
        schedule: scheduler → its levels.
        call: pipeline → how its network is called.
        told: network → shape of each of an embedding's tensors, its rows left out.
        drawing: pipeline, noise (B, C, h, w) and scale of guidance → what the pipeline is called
            with, beside captions and size, to draw from this noise.
        optional: parts that a pipeline may lack.
        loading: further arguments of `from_pretrained`.
        shares: whether `call` takes one text for several rows, as where cross-attention alone
            looks at it.
        idle: parts of the network's last block that its output does not depend on, so that they
            are never trained.
    """

    title: str
    preset: str
    pipeline: str
    network: str
    parts: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]
    lora: tuple[str, ...]
    text: Callable[[Any], Text]
    schedule: Callable[[Any], Schedule]
    call: Callable[[Any], Call]
    told: Callable[[Any], Mapping[str, tuple[int, ...]]]
    drawing: Callable[[Any, Tensor, float], Mapping[str, Any]] = drawn
    latents: Callable[[Any], Latents] = KLLatents
    sides: Callable[[Any], tuple[int, int | None]] = lambda network: (1, None)
    optional: tuple[str, ...] = ()
    loading: Mapping[str, Any] = field(default_factory=dict)
    shares: bool = False
    idle: tuple[str, ...] = ()

    def side(self, network: Any, latents: Latents, source: str, asked: int | None) -> int:
        """Side of the square images in pixels: `asked`, or what the model was made for.

        Raises:
            UserError: if it takes no such images.
        """
        side = asked or _resolution(network, latents)
        if side is None:
            raise UserError(
                f"data.resolution: {source} does not say for which size it was made; give the "
                "side of its images in pixels, such as 512"
            )
        patch, most = self.sides(network)
        factor = latents.downsampling * patch
        if side % factor:
            raise UserError(f"data.resolution: {side} is not a multiple of {factor}; give one")
        if most is not None and side > most * latents.downsampling:
            largest = most * latents.downsampling
            raise UserError(f"data.resolution: {side} is more than the model takes, {largest}")
        return side

    def is_idle(self, network: Any, parameter: str) -> bool:
        """Whether the network's output does not depend on a parameter, told by its name."""
        last = f"transformer_blocks.{len(network.transformer_blocks) - 1}." if self.idle else ""
        return any(f"{last}{part}." in parameter for part in self.idle)

    def check_group(self, group: str) -> None:
        """Raise UserError unless `finetune.train` may name `group`."""
        if group not in (*self.groups, "lora"):
            known = few([*self.groups, "lora"])
            raise UserError(f"finetune.train: {group!r} is no part of {self.title}; one of {known}")


def _resolution(network: Any, latents: Latents) -> int | None:
    """Side in pixels of the images that a network was made for, or the side that its autoencoder
    tells; the shorter one where they are not square.
    """
    told = [(network, latents.downsampling), *((part, 1) for part in latents.networks)]
    for part, factor in told:
        size = part.config.get("sample_size")
        sides = size if isinstance(size, (list, tuple)) else [size]
        if sides and all(isinstance(side, int) for side in sides):
            return int(min(sides)) * factor
    return None
