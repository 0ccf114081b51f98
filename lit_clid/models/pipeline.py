"""A diffusers pipeline as a target: latents, text and denoiser, put together as its family says."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.files import settle_all, writing
from lit_clid.models.denoiser import Denoiser, give_back, lay_channels_last, with_less
from lit_clid.models.embedding import Embedding
from lit_clid.models.encoders import encoders_of, leave_out_logits, text_alone
from lit_clid.models.families import Family
from lit_clid.models.identity import identify
from lit_clid.models.lanes import side_by_side
from lit_clid.models.memory import Memory
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
        memory: of what was encoded, which models may share.
    """

    def __init__(
        self,
        pipeline: Any,
        family: Family,
        source: str,
        *,
        precision: str | None,
        channels_last: bool,
        compile: bool | str,
        rows: int,
        offload: bool = False,
        made_of: Source | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.offload, self.made_of, self.memory = offload, made_of, memory
        self.pipeline, self.family, self.source = pipeline, family, source
        network, schedule = getattr(pipeline, family.network), family.schedule(pipeline.scheduler)
        self.latents = family.latents(pipeline)
        self.text = family.text(text_alone(pipeline) if offload else pipeline)
        encoders = encoders_of(pipeline, family)
        self.encoders = [*self.latents.networks, *encoders]
        self.networks = [*self.encoders, network]
        for part in self.networks:
            part.eval().requires_grad_(False)
        for encoder in self.encoders:
            leave_out_logits(encoder)
        known = identify(self.latents, encoders, self.text.tokenizers, network, schedule)
        self.fingerprint, self.kin, self._words = known.fingerprint, known.kin, known.words
        self.quantised = is_quantised(network)
        self.asked_by = schedule.asked_by
        self.denoiser = Denoiser(
            network,
            family.call(pipeline),
            schedule,
            precision=None if self.quantised else precision,
            channels_last=channels_last,
            compile=compile,
            rows=rows,
            shares=family.shares,
        )
        self.size = sum(p.nbytes for part in self.networks for p in part.parameters())
        if channels_last:
            for part in self.latents.networks:
                lay_channels_last(part)
        self.mask_tokens = self.text.mask_tokens
        self.device, self._resting, self._kept_awake = torch.device("cpu"), False, False
        self._together: dict[torch.Size, int] = {}

    @property
    def rows(self) -> int:  # type: ignore[override]
        """Fewer than were asked for once the device had no memory for so many."""
        return self.denoiser.rows

    @property
    def shares_texts(self) -> bool:  # type: ignore[override]
        return self.denoiser.shares

    def __deepcopy__(self, memo: dict[int, Any]) -> "PipelineTarget":
        return self

    def to(self, device: torch.device) -> "PipelineTarget":
        if device.type != self.device.type:
            self.denoiser.forget_graphs()
        if self.offload:
            for part in (self.denoiser.network, *self.latents.networks):
                part.to(device)
        else:
            self.pipeline.to(device)
        self.device, self._resting = device, False
        return self

    def rest(self) -> None:
        if self.device.type == "cpu":
            return
        for part in self._guests:
            part.to("cpu")
        self._resting = True
        give_back()

    @contextmanager
    def awake(self) -> Iterator[None]:
        resting, outer = self._resting, self._kept_awake
        self._kept_awake = True
        try:
            yield
        finally:
            self._kept_awake = outer
            if resting and not self._resting and not outer:
                self.rest()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Within this, the encoders lie on the device."""
        with self.awake():
            for part in self._guests if self._resting else []:
                part.to(self.device)
            self._resting = False
            yield

    @contextmanager
    def _in_full(self) -> Iterator[None]:
        """Within this they compute in their own precision too, whatever autocast trains the rest:
        what is encoded does not depend on when.
        """
        kind = self.device.type
        known = torch.amp.is_autocast_available(kind)
        with self._asked(), torch.autocast(kind, enabled=False) if known else nullcontext():
            yield

    @property
    def _guests(self) -> list[Any]:
        """What need not lie on the device all the time, and can be moved."""
        parts = self.latents.networks if self.offload else self.encoders
        return [part for part in parts if not is_quantised(part)]

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        return self.latents.shape(images)

    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        inputs, size = [images] if noise is None else [images, noise], images.shape[-2:]
        room = self._together.get(size, self.latents.together(*size))
        most = min(room, max(1, len(images)))
        with self._in_full():
            encoded, rows = with_less(lambda rows: self._encode(inputs, rows), most)
        if rows < most:
            self._together[size] = rows
        return encoded

    def _encode(self, inputs: Sequence[Tensor], most: int) -> Tensor:
        parts = zip(*(each.to(self.device).split(most) for each in inputs), strict=True)
        encode = self.latents.encode
        if self.latents.remembers:
            return torch.cat([encode(*part) for part in parts])
        return torch.cat([side_by_side(encode, *part) for part in parts])

    def embed(self, *wordings: Sequence[str]) -> Embedding:
        with self._in_full():
            return self._embed(*wordings)

    def _embed(self, *wordings: Sequence[str]) -> Embedding:
        if self.memory is None:
            return self.text.embed(wordings).to(self.device)
        texts = list(zip(*wordings, strict=True))
        distinct = tuple(dict.fromkeys(texts))
        place = {text: k for k, text in enumerate(distinct)}

        def made() -> Embedding:
            return self.text.embed(list(zip(*distinct, strict=True))).to(torch.device("cpu"))

        rows = torch.tensor([place[text] for text in texts])
        return self.memory.once((self._words, distinct), made).take(rows).to(self.device)

    def pooled(self, captions: Sequence[str]) -> Tensor:
        with self._in_full():
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
        network, halved = getattr(self.pipeline, self.family.network), self.denoiser.halved
        rounded = self.denoiser.dtype != torch.float32 and not self.quantised
        if rounded:
            network.to(torch.float32)  # as the other parts are, and what the pipeline hands it
        for encoder in self.encoders if self.offload else []:
            encoder.to(self.device)
        try:
            with self._asked(), halved.drawing(network, self.device):
                images: list[Any] = self.pipeline(
                    prompt=list(captions),
                    height=noise.shape[-2] * self.latents.downsampling,
                    width=noise.shape[-1] * self.latents.downsampling,
                    num_inference_steps=steps,
                    **self.family.drawing(self.pipeline, noise.to(self.device), guidance),
                ).images
        finally:
            if rounded:
                network.to(self.denoiser.dtype)
            for encoder in encoders_of(self.pipeline, self.family) if self.offload else []:
                encoder.to("cpu")
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
            settle_all(part)
            part.rename(folder)
