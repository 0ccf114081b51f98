"""Adapter for pipelines of Stable Diffusion 1.x/2.x shape: KL-VAE, CLIP text encoder, conditional
U-Net, VP schedule.

z_0 = scaling·(VAE latent − shift); the U-Net's ε-, v- or z_0-prediction is turned into ε in
float32.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.errors import UserError, few, first_line
from lit_clid.models import gradients
from lit_clid.models.diffusion import TO_EPS, Target, mean_square, vp_schedule
from lit_clid.models.quiet import quiet_imports

DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}


class StableDiffusion(Target):
    """A frozen diffusers pipeline that answers in float32.

    Copying it (as weight averaging does with its owner) shares it: a Target is never averaged.
    """

    def __init__(
        self,
        pipeline: Any,
        source: str,
        *,
        precision: str,
        channels_last: bool,
        compile: bool,
        rows: int,
    ) -> None:
        self.pipeline, self.source, self.rows, self._dtype = (
            pipeline,
            source,
            rows,
            DTYPES[precision],
        )
        scheduler, vae = pipeline.scheduler, pipeline.vae
        self.prediction: str = scheduler.config.get("prediction_type", "epsilon")
        if self.prediction not in TO_EPS or not hasattr(scheduler, "alphas_cumprod"):
            raise UserError(
                f"scheduler {type(scheduler).__name__} is not variance preserving; give an SD "
                f"1.x/2.x pipeline"
            )
        self._alpha, self._sigma = vp_schedule(scheduler.alphas_cumprod)
        self.timesteps = len(self._alpha)
        self._scaling: float = vae.config.scaling_factor
        self._shift: float = vae.config.get("shift_factor") or 0.0
        self.fingerprint = _fingerprint(pipeline)
        self.kin = _kin(pipeline)
        self._max_tokens: int = min(
            pipeline.tokenizer.model_max_length,
            pipeline.text_encoder.config.max_position_embeddings,
        )
        self._downsampling: int = pipeline.vae_scale_factor
        self.resolution: int = pipeline.unet.config.sample_size * self._downsampling
        self.end_token: str = pipeline.tokenizer.eos_token
        for part in (vae, pipeline.text_encoder, pipeline.unet):
            part.eval().requires_grad_(False)
        self.network: Any = pipeline.unet.to(self._dtype)
        if channels_last:
            for part in (self.network, vae):
                part.to(memory_format=torch.channels_last)
        self._run = torch.compile(self.network) if compile else self.network

    @classmethod
    def load(cls, path: str, *, variant: str | None, **options: Any) -> "StableDiffusion":
        """Load from a folder or hub id, safetensors only."""
        with quiet_imports():
            from diffusers import StableDiffusionPipeline
        try:
            pipeline = StableDiffusionPipeline.from_pretrained(
                path,
                use_safetensors=True,
                variant=variant,
                safety_checker=None,
                feature_extractor=None,
                image_encoder=None,
                requires_safety_checker=False,
            ).to(torch.float32)
        except (
            Exception
        ) as error:  # safetensors, tokenizers and both hub libraries raise kinds of their own
            raise UserError(
                f"{path}: the pipeline does not load ({first_line(error)}); export it again"
            ) from None
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline, path, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> "StableDiffusion":
        return self

    def to(self, device: torch.device) -> "StableDiffusion":
        """Move every part to `device`, in place."""
        self.pipeline.to(device)
        self._alpha, self._sigma = self._alpha.to(device), self._sigma.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        return self._alpha.device

    def latent_shape(self, images: Tensor) -> tuple[int, int, int]:
        height, width = (side // self._downsampling for side in images.shape[-2:])
        return self.pipeline.unet.config.in_channels, height, width

    @torch.no_grad()
    def encode(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        posterior = self.pipeline.vae.encode(images.to(self.device)).latent_dist
        latent = (
            posterior.mean
            if noise is None
            else posterior.mean + posterior.std * noise.to(self.device)
        )
        return (latent - self._shift) * self._scaling

    @torch.no_grad()
    def embed(self, captions: Sequence[str]) -> Tensor:
        distinct = list(dict.fromkeys(captions))
        place = {caption: k for k, caption in enumerate(distinct)}
        embeddings = torch.cat(
            [
                self.pipeline.text_encoder(self._tokens(distinct[k : k + 64]))[0]
                for k in range(0, len(distinct), 64)
            ]
        )
        return embeddings.float()[
            torch.tensor([place[caption] for caption in captions], device=self.device)
        ]

    @torch.no_grad()
    def pooled(self, captions: Sequence[str]) -> Tensor:
        pooled: Tensor = self.pipeline.text_encoder(self._tokens(captions)).pooler_output
        return pooled.float()

    @torch.no_grad()
    def eps(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        parts = zip(
            z_t.split(self.rows), t.split(self.rows), condition.split(self.rows), strict=True
        )
        output = torch.cat([self._denoise(self._run, *part) for part in parts])
        return TO_EPS[self.prediction](output, z_t, *self.schedule(t))

    def _denoise(self, network: Any, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        sample: Tensor = network(z_t.to(self._dtype), t, condition.to(self._dtype)).sample
        return sample.float()

    def predict(self, z_t: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """The network's raw prediction, with gradients, under whatever autocast is on: for
        training.
        """
        prediction: Tensor = self.network(z_t, t, condition).sample
        return prediction.float()

    def schedule(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self._alpha[t], self._sigma[t]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return gradients.parameter_names(self.network)

    @property
    def refuses_gradients(self) -> str:
        if self._dtype == torch.float16:
            return "float16 gradients underflow; use audit.precision=32 or bf16"
        missing = gradients.unreachable(self.network)
        return (
            f"{few(missing, 2)} are quantised or of an unknown layer; give the full-precision model"
            if missing
            else ""
        )

    def gradient_norms(
        self, z_t: Tensor, t: Tensor, condition: Tensor, eps: Tensor, steps: int
    ) -> gradients.GradientNorms:
        def split(rows: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
            return zip(*(tensor.split(rows) for tensor in tensors), strict=True)

        records = split(steps * max(1, self.rows // steps), z_t, t, condition, eps)
        if self.rows >= steps:
            found = [
                gradients.gradient_norms(self.network, partial(self._losses, *part), steps)
                for part in records
            ]
        else:
            parts = (
                [(len(p[0]), partial(self._losses, *p)) for p in split(self.rows, *record)]
                for record in records
            )
            found = [gradients.gradient_norms_in_parts(self.network, part) for part in parts]
        return gradients.GradientNorms(
            torch.cat([f.each for f in found]), torch.cat([f.mean for f in found])
        )

    def _losses(self, z_t: Tensor, t: Tensor, condition: Tensor, eps: Tensor) -> Tensor:
        output = self._denoise(self.network, z_t, t, condition)
        return mean_square(TO_EPS[self.prediction](output, z_t, *self.schedule(t)) - eps)

    def overlong(self, captions: Sequence[str]) -> int:
        """How many captions the tokenizer cuts at its maximum length."""
        if not captions:
            return 0
        lengths = [
            len(ids) for ids in self.pipeline.tokenizer(list(captions), verbose=False).input_ids
        ]
        return sum(length > self._max_tokens for length in lengths)

    def _tokens(self, captions: Sequence[str]) -> Tensor:
        tokenizer = self.pipeline.tokenizer
        batch = tokenizer(
            list(captions),
            padding="max_length",
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        )
        tokens: Tensor = batch.input_ids
        return tokens.to(self.device)

    @torch.no_grad()
    def sample(
        self, captions: Sequence[str], noise: Tensor, steps: int = 30, guidance: float = 3.0
    ) -> list[Any]:
        """Draw one PIL image per caption from initial noise (B, C, h, w) with the pipeline's own
        sampler.
        """
        images: list[Any] = self.pipeline(
            prompt=list(captions),
            latents=noise.to(self.device),
            num_inference_steps=steps,
            guidance_scale=guidance,
        ).images
        return images

    def side(self, resolution: int | None) -> int:
        """Side of the images in pixels: `resolution`, or the model's own."""
        side = resolution or self.resolution
        if side % self._downsampling:
            raise UserError(
                f"data.resolution: {side} is not a multiple of {self._downsampling}, the VAE's "
                f"factor"
            )
        return side

    def export(self, folder: Path, annotate: Callable[[Path], None] = lambda part: None) -> None:
        """Write a diffusers folder that a plain `DiffusionPipeline.from_pretrained` loads, whole or
        not at all.

        Args:
            folder: must not exist.
            annotate: called with the folder before it gets its name, to add files.
        """
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        for network in (self.network, self.pipeline.vae):
            network.to(memory_format=torch.contiguous_format)
        self.pipeline.save_pretrained(part, safe_serialization=True)
        annotate(part)
        part.rename(folder)


def _kin(pipeline: Any) -> dict[str, str]:
    """What two models must share for their answers about a record to be compared; hashes by
    name.
    """
    shapes = str(
        [(name, tuple(value.shape)) for name, value in sorted(pipeline.unet.state_dict().items())]
    )
    scheduler, vae = pipeline.scheduler, blake2b(digest_size=16)
    _digest(vae, pipeline.vae)
    vae.update(
        str((pipeline.vae.config.scaling_factor, pipeline.vae.config.get("shift_factor"))).encode()
    )
    return {
        "architecture": blake2b(shapes.encode(), digest_size=16).hexdigest(),
        "latent space": vae.hexdigest(),
        "noise schedule": blake2b(
            str(scheduler.alphas_cumprod.tolist()).encode(), digest_size=16
        ).hexdigest(),
    }


def _digest(digest: Any, part: Any) -> None:
    """Add a network's weights, as stored."""
    for name, value in sorted(part.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)


def _fingerprint(pipeline: Any) -> str:
    """Hash (32 hex digits) of what decides the answers: weights as stored, schedule, scaling and
    tokenizer.
    """
    digest = blake2b(digest_size=16)
    for part in (pipeline.vae, pipeline.text_encoder, pipeline.unet):
        _digest(digest, part)
    scheduler, vae, tokenizer = pipeline.scheduler, pipeline.vae.config, pipeline.tokenizer
    digest.update(str(scheduler.config.get("prediction_type")).encode())
    digest.update(
        str(
            scheduler.alphas_cumprod.tolist() if hasattr(scheduler, "alphas_cumprod") else ""
        ).encode()
    )
    digest.update(str((vae.scaling_factor, vae.get("shift_factor"))).encode())
    digest.update(str((sorted(tokenizer.get_vocab().items()), tokenizer.model_max_length)).encode())
    return digest.hexdigest()
