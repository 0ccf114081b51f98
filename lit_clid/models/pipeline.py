"""A diffusers pipeline as a target: latents, text and denoiser, put together as its family says."""

import copy
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.errors import UserError
from lit_clid.files import writing
from lit_clid.models.denoiser import Denoiser, lay_channels_last
from lit_clid.models.embedding import Embedding
from lit_clid.models.families import Family
from lit_clid.models.identity import fingerprint, kinship
from lit_clid.models.latents import Latents
from lit_clid.models.quantised import is_quantised
from lit_clid.models.target import Target
from lit_clid.models.white_box import NetworkGradients, WhiteBox
from lit_clid.source import Source


class PipelineTarget(Target):
    """A frozen pipeline that answers in float32.

    Copying it (as weight averaging does with its owner) shares it: a Target is never averaged.

    Args:
        pipeline: of diffusers, in float32, on the CPU.
        family: its own.
        source: folder or hub id, for messages and notes.
        precision, channels_last, compile, rows: how the denoiser runs, see `Denoiser`; one that is
            quantised keeps its own precision.
        offload: the text encoders stay on the CPU, wherever the rest goes.
        made_of: what it was read from; None for modules in training.
    """

    def __init__(
        self,
        pipeline: Any,
        family: Family,
        source: str,
        *,
        precision: str | None,
        channels_last: bool,
        compile: bool,
        rows: int,
        offload: bool = False,
        made_of: Source | None = None,
    ) -> None:
        self.offload, self.made_of = offload, made_of
        self.pipeline, self.family, self.source, self.rows = pipeline, family, source, rows
        network, schedule = getattr(pipeline, family.network), family.schedule(pipeline.scheduler)
        self.latents = family.latents(pipeline)
        self.text = family.text(_text_alone(pipeline) if offload else pipeline)
        self.encoders = [*self.latents.networks, *_encoders(pipeline, family)]
        self.networks = [*self.encoders, network]
        for part in self.networks:
            part.eval().requires_grad_(False)
        self.fingerprint = fingerprint(self.networks, schedule, self.latents, self.text.tokenizers)
        self.quantised = is_quantised(network)
        self.kin = kinship(network, schedule, self.latents)
        self.asked_by = schedule.asked_by
        self.denoiser = Denoiser(
            network,
            family.call(pipeline),
            schedule,
            precision=None if self.quantised else precision,
            channels_last=channels_last,
            compile=compile,
            rows=rows,
        )
        if channels_last:
            for part in self.latents.networks:
                lay_channels_last(part)
        self.resolution = _resolution(network, self.latents)
        """Side in pixels of the images that the model was made for; None if it does not say."""
        self.mask_tokens = self.text.mask_tokens
        self.device = torch.device("cpu")

    def __deepcopy__(self, memo: dict[int, Any]) -> "PipelineTarget":
        return self

    def to(self, device: torch.device) -> "PipelineTarget":
        if self.offload:
            for part in (self.denoiser.network, *self.latents.networks):
                part.to(device)
        else:
            self.pipeline.to(device)
        self.device = device
        return self

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return self.latents.shape(images)

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        drawn = None if noise is None else noise.to(self.device)
        return self.latents.encode(images.to(self.device), drawn)

    def embed(self, *wordings: Sequence[str]) -> Embedding:
        return self.text.embed(wordings).to(self.device)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return self.text.pooled(captions).to(self.device)

    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        return self.denoiser.eps(z_t, t, embedding)

    def white_box(self) -> WhiteBox:
        if self.quantised:
            raise ValueError("its weights are quantised")
        return NetworkGradients(self.denoiser)

    def overlong(self, captions: Sequence[str]) -> int:
        return self.text.overlong(captions)

    @torch.no_grad()
    def sample(
        self, captions: Sequence[str], noise: Tensor, steps: int = 30, guidance: float = 3.0
    ) -> list[Any]:
        network = getattr(self.pipeline, self.family.network)
        if not self.quantised:
            network.to(torch.float32)  # as the other parts are, and what the pipeline hands it
        for encoder in self.encoders if self.offload else []:
            encoder.to(self.device)
        try:
            images: list[Any] = self.pipeline(
                prompt=list(captions),
                height=noise.shape[-2] * self.latents.downsampling,
                width=noise.shape[-1] * self.latents.downsampling,
                num_inference_steps=steps,
                **self.family.drawing(self.pipeline, noise.to(self.device), guidance),
            ).images
        finally:
            if not self.quantised:
                network.to(self.denoiser.dtype)
            for encoder in _encoders(self.pipeline, self.family) if self.offload else []:
                encoder.to("cpu")
        return images

    def side(self, resolution: int | None) -> int:
        side = resolution or self.resolution
        if side is None:
            raise UserError(
                f"data.resolution: {self.source} does not say for which size it was made; give the "
                "side of its images in pixels, such as 512"
            )
        patch, most = self.family.sides(self.denoiser.network)
        factor = self.latents.downsampling * patch
        if side % factor:
            raise UserError(f"data.resolution: {side} is not a multiple of {factor}; give one")
        if most is not None and side > most * self.latents.downsampling:
            largest = most * self.latents.downsampling
            raise UserError(f"data.resolution: {side} is more than the model takes, {largest}")
        return side

    def export(self, folder: Path, annotate: Callable[[Path], None] = lambda part: None) -> None:
        """Write a folder that plain diffusers loads, whole or not."""
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        for network in (getattr(self.pipeline, self.family.network), *self.latents.networks):
            network.to(memory_format=torch.contiguous_format)
        with writing(folder, part):
            self.pipeline.save_pretrained(part, safe_serialization=True)
            annotate(part)
            part.rename(folder)


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


def _encoders(pipeline: Any, family: Family) -> list[Any]:
    """The text encoders, without those that the pipeline lacks."""
    names = [name for name in family.parts if name.startswith("text_encoder")]
    encoders = [getattr(pipeline, name) for name in names]
    return [encoder for encoder in encoders if encoder is not None]


def _text_alone(pipeline: Any) -> Any:
    """A pipeline of the same text encoders and nothing else that lies on a device, so that it
    encodes where they lie.
    """
    alone = copy.copy(pipeline)
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module) and not name.startswith("text_encoder"):
            setattr(alone, name, None)
    return alone
