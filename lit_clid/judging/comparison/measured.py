"""One audited model of a grid, as the comparison takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Usefulness:
    """How useful a model is, record by record and as a whole.

    Args:
        loss: denoising loss (H,) of the hold-outs under their captions.
        gain: how much each caption lowers it, ℓ(∅) − ℓ(c) (H,).
        members_loss: mean denoising loss of the members.
        frechet: Fréchet distance of samples to the hold-outs; None where not measured.
        frechet_floor: the same of the members' images in place of samples.
        clip_score: of samples and their captions; None where not measured.
        sheet: file of samples; None where none were drawn.
    """

    loss: np.ndarray
    gain: np.ndarray
    members_loss: float
    frechet: float | None = None
    frechet_floor: float | None = None
    clip_score: float | None = None
    sheet: Path | None = None


@dataclass(frozen=True)
class Measured:
    """One model: a cell's run at one checkpoint.

    Args:
        defense, seed: the cell.
        step: optimiser steps that its weights have behind them.
        steps_per_image, passes: the same per member, and how often each was seen.
        final: true for the end of the run.
        ids, member: of the N audited records (N,), in one order for equal seeds.
        scores: attack → (N,), larger = more member-like.
        usefulness: on the H hold-outs.
        shadow: attack → AUROC on the records of the model's shadow; empty without one.
        epsilon: spent by private training, with its δ; None if it was not private.
    """

    defense: str
    seed: int
    step: int
    steps_per_image: float
    passes: float
    final: bool
    ids: Sequence[str]
    member: np.ndarray
    scores: Mapping[str, np.ndarray]
    usefulness: Usefulness
    shadow: Mapping[str, float] = field(default_factory=dict)
    epsilon: tuple[float, float] | None = None
