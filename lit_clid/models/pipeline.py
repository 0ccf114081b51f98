"""A diffusers pipeline as a target: latents, text and denoiser, put together as its family says."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.errors import UserError, first_line
from lit_clid.files import writing
from lit_clid.models.denoiser import Denoiser, lay_channels_last
from lit_clid.models.embedding import Embedding
from lit_clid.models.families import Family
from lit_clid.models.identity import fingerprint, kinship
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.target import Target
from lit_clid.models.white_box import NetworkGradients, WhiteBox


def nothing(_: Any) -> None:
    """Change nothing."""


class PipelineTarget(Target):
    """A frozen pipeline that answers in float32.

    Copying it (as weight averaging does with its owner) shares it: a Target is never averaged.

    Args:
        pipeline: of diffusers, in float32, on the CPU.
        family: its own.
        source: folder or hub id, for messages and notes.
        precision, channels_last, compile, rows: how the denoiser runs, see `Denoiser`.
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
    ) -> None:
        self.pipeline, self.family, self.source, self.rows = pipeline, family, source, rows
        network, schedule = getattr(pipeline, family.network), family.schedule(pipeline.scheduler)
        self.latents = family.latents(pipeline)
        self.text = family.text(pipeline)
        self.encoders = [*self.latents.networks, *_encoders(pipeline, family)]
        self.networks = [*self.encoders, network]
        for part in self.networks:
            part.eval().requires_grad_(False)
        self.fingerprint = fingerprint(self.networks, schedule, self.latents, self.text.tokenizers)
        self.kin = kinship(network, schedule, self.latents)
        self.asked_by = schedule.asked_by
        self.denoiser = Denoiser(
            network,
            family.call(pipeline),
            schedule,
            precision=precision,
            channels_last=channels_last,
            compile=compile,
            rows=rows,
        )
        if channels_last:
            for part in self.latents.networks:
                lay_channels_last(part)
        self.mask_tokens = self.text.mask_tokens
        self.device = torch.device("cpu")

    @classmethod
    def load(
        cls,
        path: str,
        family: Family,
        lacking: Sequence[str] = (),
        changed: Callable[[Any], None] = nothing,
        *,
        variant: str | None,
        **options: Any,
    ) -> "PipelineTarget":
        """Load from a folder or hub id, safetensors only.

        Args:
            path: where it lies.
            family: its own.
            lacking: optional parts that it goes without.
            changed: called with the pipeline before it is frozen, to change its weights.
            variant: of its weights.
            options: how the denoiser runs.
        """
        with quiet_imports():
            import diffusers

            kind = getattr(diffusers, family.pipeline)
        try:
            with quiet_imports():
                pipeline = kind.from_pretrained(
                    path,
                    use_safetensors=True,
                    variant=variant,
                    **family.loading,
                    **dict.fromkeys(lacking),
                ).to(torch.float32)
        except Exception as error:  # safetensors, tokenizers and both hub libraries raise their own
            way = "export it again"
            if "variant" in str(error):
                way = "name its variant with target.variant or audit.variant"
            raise UserError(
                f"{path}: the pipeline does not load ({first_line(error)}); {way}"
            ) from None
        changed(pipeline)
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, family, path, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> "PipelineTarget":
        return self

    def to(self, device: torch.device) -> "PipelineTarget":
        self.pipeline.to(device)
        self.device = device
        return self

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return self.latents.shape(images)

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        most = self.latents.together(*images.shape[-2:])
        drawn = [None] * len(images) if noise is None else noise.to(self.device).split(most)
        parts = zip(images.to(self.device).split(most), drawn, strict=False)
        return torch.cat([self.latents.encode(*part) for part in parts])

    def embed(self, *wordings: Sequence[str]) -> Embedding:
        return self.text.embed(wordings)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        return self.text.pooled(captions)

    def eps(self, z_t: Tensor, t: Tensor, embedding: Embedding) -> Tensor:
        return self.denoiser.eps(z_t, t, embedding)

    def white_box(self) -> WhiteBox:
        return NetworkGradients(self.denoiser)

    def overlong(self, captions: Sequence[str]) -> int:
        return self.text.overlong(captions)

    @torch.no_grad()
    def sample(
        self, captions: Sequence[str], noise: Tensor, steps: int = 30, guidance: float = 3.0
    ) -> list[Any]:
        network = getattr(self.pipeline, self.family.network)
        network.to(torch.float32)  # as the other parts are, and what the pipeline hands it
        try:
            images: list[Any] = self.pipeline(
                prompt=list(captions),
                height=noise.shape[-2] * self.latents.downsampling,
                width=noise.shape[-1] * self.latents.downsampling,
                num_inference_steps=steps,
                **self.family.drawing(self.pipeline, noise.to(self.device), guidance),
            ).images
        finally:
            network.to(self.denoiser.dtype)
        return images

    def side(self, resolution: int | None) -> int:
        return self.family.side(self.denoiser.network, self.latents, self.source, resolution)

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


def _encoders(pipeline: Any, family: Family) -> list[Any]:
    """The text encoders, without those that the pipeline lacks."""
    names = [name for name in family.parts if name.startswith("text_encoder")]
    encoders = [getattr(pipeline, name) for name in names]
    return [encoder for encoder in encoders if encoder is not None]
