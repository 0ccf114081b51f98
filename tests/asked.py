"""What a pipeline's own loop hands its sampler, to compare a target's answers with."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lit_clid.models.families import FAMILIES
from lit_clid.models.levels import alpha_sigma
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.schedules import VariancePreserving


class Spy:
    """Stands for a pipeline's scheduler: one step at one time, whose input is kept.

    Args:
        scheduler: that it stands for.
        time: of the step.
    """

    order, init_noise_sigma = 1, 1.0

    def __init__(self, scheduler: Any, time: float) -> None:
        self.config, self.timesteps = scheduler.config, torch.tensor([time])
        self.given: Tensor | None = None

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: Any = None,
        sigmas: Any = None,
        mu: float | None = None,
        timesteps: Any = None,
    ) -> None:
        """The one time stays."""

    def set_begin_index(self, index: int) -> None:
        """There is one step."""

    def scale_model_input(self, sample: Tensor, time: Tensor) -> Tensor:
        return sample

    def step(self, given: Tensor, time: Any, sample: Tensor, **_: Any) -> tuple[Tensor, Tensor]:
        self.given = given
        return sample, sample


ALSO: dict[str, dict[str, Any]] = {
    "Lumina2Pipeline": {"cfg_normalization": False, "cfg_trunc_ratio": 2.0},
    "IFPipeline": {"eta": 0.0},
}
"""Arguments that switch off what is no guidance as the paper has it."""
ADDED = ("ZImagePipeline",)
"""Guided by c + w·(c − ∅) where others have ∅ + (w + 1)·(c − ∅)."""
BLANK = {"QwenImagePipeline": " "}
"""What released guidance takes for no text, where that is not the empty one."""
UNGUIDED = ("FluxPipeline", "QwenImagePipeline")
"""Without guidance by an empty prompt, or with one that rescales."""


def plain_pipeline(folder: Path) -> Any:
    """The folder in plain diffusers, which wants to be told what a pipeline is to lack."""
    index = json.loads((folder / "model_index.json").read_text())
    absent = {name: None for name, part in index.items() if part == [None, None]}
    with quiet_imports():
        from diffusers import DiffusionPipeline

        return DiffusionPipeline.from_pretrained(folder, **absent)


def eps_of_the_pipeline(pipe: Any, z_t: Tensor, t: int, text: str, side: int) -> Tensor:
    """ε (1, C, h, w) at the ruler's t, from the pipeline's own call; of no text, from its guidance.

    Args:
        pipe: plain, of a known family.
        z_t: (1, C, h, w).
        side: of the image in pixels.
    """
    name = type(pipe).__name__
    none = 0.0 if name in ADDED else 1.0
    if text or name in UNGUIDED:
        return _eps(pipe, z_t, t, text or BLANK.get(name, ""), side, none)
    told, both = (_eps(pipe, z_t, t, "a red critter", side, none + more) for more in (0.0, 1.0))
    return 2 * told - both


def _eps(pipe: Any, z_t: Tensor, t: int, text: str, side: int, guidance: float) -> Tensor:
    family = FAMILIES[type(pipe).__name__]
    scheduler = pipe.scheduler
    schedule = family.schedule(scheduler)
    alpha, sigma = (float(x) for x in alpha_sigma(torch.tensor(t)))
    is_flow = not isinstance(schedule, VariancePreserving)
    s = sigma / (alpha + sigma)
    z = z_t / (alpha + sigma) if is_flow else z_t
    time = 1000 * s if is_flow else int(schedule.nearest[t])
    pipe.scheduler = Spy(scheduler, time)
    pipe.set_progress_bar_config(disable=True)
    words = {**family.drawing(pipe, z, guidance), **ALSO.get(type(pipe).__name__, {})}
    try:
        pipe(
            prompt=text,
            height=side,
            width=side,
            num_inference_steps=1,
            output_type="pt",
            **_single(words),
        )
        given = _unpacked(pipe.scheduler.given, z)
    finally:
        pipe.scheduler = scheduler
    return z + (1 - s) * given if is_flow else given


def _single(words: dict[str, Any]) -> dict[str, Any]:
    """The arguments for one prompt that is not in a list."""
    return {key: value[0] if isinstance(value, list) else value for key, value in words.items()}


def _unpacked(given: Tensor, like: Tensor) -> Tensor:
    """What was given as (B, C, h, w): tokens of patches, a network's variance left out."""
    batch, channels, height, width = like.shape
    if given.dim() == 4:
        return given[:, :channels]
    if given.shape[1] == height * width:
        return given.transpose(1, 2).reshape(like.shape)
    grid = given.reshape(batch, height // 2, width // 2, channels, 2, 2)
    return torch.einsum("bhwcij->bchiwj", grid).reshape(like.shape)
