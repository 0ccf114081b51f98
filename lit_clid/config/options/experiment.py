"""The grid of a defense experiment: which cells there are, and how useful and how private each
is measured to be.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lit_clid.config.options.part import read_part
from lit_clid.errors import UserError, few

KEEP = ("all", "last")


@dataclass(frozen=True)
class GridOptions:
    """What `lit-clid experiment` trains and audits.

    Args:
        defenses: name → list of overlays and key=value words that make it, as on the command line;
            an overlay is a YAML file or the name of one in configs/defenses. An empty list trains
            undefended.
        seeds: one training run per defense and seed; a seed also deals the records anew.
        baseline: name of the defense that the others are compared with, usually the undefended one.
        checkpoints: optimiser steps per member at which a run is audited on its way; its end always
            is.
        follow: names of the defenses whose checkpoints are audited; null follows all.
        shadow: train a shadow by every cell's recipe and calibrate on it: an attacker who knows the
            defense.
        keep: models to keep on disk once they are audited, "all", or the "last" of each cell.
        part: "k/n" works on every n-th cell from the k-th on, so that n jobs share a grid; they
            share nothing else.
        dry_run: check everything but the weights, say what would be done, and stop.
    """

    defenses: dict[str, Any] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=lambda: [0])
    baseline: str = "none"
    checkpoints: list[float] = field(default_factory=list)
    follow: Any = None
    shadow: bool = False
    keep: str = "all"
    part: str = "1/1"
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.keep not in KEEP:
            raise UserError(f"grid.keep: {self.keep!r} is not one of {', '.join(KEEP)}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError(
                f"grid.seeds: {self.seeds} must name seeds, each once; equal seeds make colliding "
                "cells"
            )
        if min(self.seeds) < 0:
            raise UserError(f"grid.seeds: {self.seeds} must be 0 or more")
        for name, words in self.defenses.items():
            if Path(name).name != name or name.startswith("."):
                raise UserError(
                    f"grid.defenses: {name!r} must be a plain name; it becomes part of a folder's"
                )
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise UserError(
                    f"grid.defenses.{name}: {words!r} is not a list of overlays and key=value "
                    "words, such as [crop_flip, finetune.learning_rate=1e-3]"
                )
        if self.defenses and self.baseline not in self.defenses:
            raise UserError(
                f"grid.baseline: no defense '{self.baseline}' (found: {few(list(self.defenses))})"
            )
        if self.follow is not None and not isinstance(self.follow, list):
            raise UserError(
                f"grid.follow: {self.follow!r} is not a list of defenses, or null for all"
            )
        unknown = [name for name in self.follow or [] if name not in self.defenses]
        if unknown:
            raise UserError(
                f"grid.follow: {few(unknown)} not among the defenses: {few(list(self.defenses))}"
            )
        read_part("grid.part", self.part)

    @property
    def cells(self) -> list["Cell"]:
        """Every cell, seed by seed, so that a grid that is stopped has whole comparisons."""
        return [Cell(name, seed) for seed in self.seeds for name in self.defenses]

    @property
    def own_cells(self) -> list["Cell"]:
        """The cells of this part."""
        k, n = read_part("grid.part", self.part)
        return self.cells[k - 1 :: n]

    def follows(self, defense: str) -> bool:
        """True if the checkpoints of this defense are audited."""
        return self.follow is None or defense in self.follow


@dataclass(frozen=True)
class Cell:
    """One training run: a defense and a seed."""

    defense: str
    seed: int

    @property
    def name(self) -> str:
        """Of its run folder."""
        return f"{self.defense}-seed{self.seed}"


@dataclass(frozen=True)
class UtilityOptions:
    """How a trained model's usefulness is measured, on the hold-outs.

    Args:
        t: timesteps of the held-out loss; one that is even over the schedule estimates the training
            loss.
        draws: of noise at each.
        samples: images drawn for hold-outs' captions, from fixed noise; 0 draws none, and there is
            no Fréchet distance.
        sampling_steps, guidance: of the pipeline's own sampler.
        features: whose features the Fréchet distance compares: "vae" (the target's own encoder,
            pooled), "inception" (needs torch-fidelity), a folder or hub id of a CLIP or DINO vision
            model, or null for none.
        alignment: folder or hub id of a CLIP model for CLIPScore; null for none.
        sheet: how many of the samples are shown.
    """

    t: list[int] = field(default_factory=lambda: [100, 300, 500, 700, 900])
    draws: int = 2
    samples: int = 128
    sampling_steps: int = 20
    guidance: float = 3.0
    features: str | None = "vae"
    alignment: str | None = None
    sheet: int = 8

    def __post_init__(self) -> None:
        if not self.t or self.t != sorted(set(self.t)) or min(self.t) < 0 or self.draws < 1:
            raise UserError(
                f"utility.t, utility.draws: {self.t} must rise, each timestep once, with at least "
                "one draw"
            )
        if self.samples < 0 or self.samples == 1 or self.sampling_steps < 1 or self.sheet < 0:
            raise UserError(
                "utility.samples, utility.sampling_steps: 0 or at least 2 images, at least one step"
            )
