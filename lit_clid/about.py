"""How a table of signals and a model were made: the typed content of the JSON beside them.

`About` stands beside a table, `Claims` beside its shards, `ModelNote` in an exported model's
folder; each carries a version. Files from before there was one are read, and partial ones from
elsewhere: what they do not tell is None or empty.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lit_clid.asked import AskedUntil, AttackSpec, Cost, Quarantined
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.plain import EMPTY, FLAT, Plain
from lit_clid.source import Source

SIGNAL_SETS = ("Grid", "Denoising")
"""Kinds in `Claims.attacks` that are asked about fixed conditions."""


@dataclass(frozen=True, kw_only=True)
class Made(Plain):
    """When, where and by which versions a file was made.

    Args:
        created: UTC time, ISO 8601.
        commit: of this project; None outside a checkout.
        device: that the model ran on.
        packages: version by name.
    """

    created: str | None
    commit: str | None
    python: str | None
    platform: str | None
    device: str | None
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Captioner(Plain):
    """Which model wrote the captions, where people have none.

    Args:
        model: folder or hub id.
        fingerprint, decoding: hash of its weights, its words and how it is asked; that in words.
        created, transformers: UTC time of the last writing, ISO 8601; its library's version.
        commit: of a hub id; None for a folder.
    """

    model: str
    fingerprint: str
    decoding: str
    created: str | None
    transformers: str | None
    commit: str | None = None

    def __str__(self) -> str:
        return f"{self.model} ({self.fingerprint[:8]})"


@dataclass(frozen=True, kw_only=True)
class Facts(Plain):
    """What a trained model depends on; checkpoints and exports must agree in all of it.

    Args:
        split, base: fingerprints of the split's contents and of the base.
        processes: how many the batches are dealt out to.
        rest: plain values by dotted configuration key.
    """

    seed: int | None = None
    role: str | None = None
    split: str | None = None
    base: str | None = None
    processes: int | None = None
    rest: dict[str, Any] = field(default_factory=dict, metadata=FLAT)

    @property
    def images_per_step(self) -> int:
        """Images that one optimiser step sees."""
        accumulated = self.rest.get("trainer.accumulate_grad_batches", 1)
        return int(self.rest["finetune.batch_size"] * accumulated * (self.processes or 1))


@dataclass(frozen=True, kw_only=True)
class Stopping(Plain):
    """How a stopping defense ended training.

    Args:
        ended_by: "held-out loss", "privacy budget" or "last step".
        ended_at, exported_from: optimiser steps.
        val_loss: of the exported weights; None if it was no number.
        probe_auroc, probe_upper: of theirs and its 95 % upper bound, if a probe was asked.
    """

    ended_by: str
    ended_at: int
    exported_from: int
    val_loss: float | None
    probe_auroc: float | None = None
    probe_upper: float | None = None


@dataclass(frozen=True, kw_only=True)
class Spent(Plain):
    """What a private run spent: ε at δ, and the mechanism it follows from (see `Privacy`)."""

    epsilon: float
    delta: float
    noise_multiplier: float
    max_grad_norm: float
    sample_rate: float
    accountant: str
    neighbours: str = "add or remove one member"
    secret: bool


@dataclass(frozen=True, kw_only=True)
class ModelNote(Plain):
    """How training made the exported model that the note lies beside.

    Args:
        base: folder or hub id of the model that was tuned.
        steps: optimiser steps behind the exported weights.
        val_loss: their held-out loss; None if it was never measured.
        files, commits: SHA-256 of what was put on the base; commits of the hub ids it is made of.
        config: the resolved configuration.
    """

    VERSION: ClassVar[int | None] = 1

    facts: Facts = field(default_factory=Facts)
    base: str | None
    steps: int = 0
    val_loss: float | None
    stopping: Stopping | None = None
    privacy: Spent | None = None
    made: Made | None = field(default=None, metadata=FLAT)
    files: dict[str, str] | None = None
    commits: dict[str, str] | None = None
    config: dict[str, Any] | None = None

    @property
    def ended_at(self) -> int:
        """The last optimiser step of the run; the exported weights may be of an earlier one."""
        return self.steps if self.stopping is None else self.stopping.ended_at

    @property
    def tuned_from(self) -> Source | None:
        """The base as the configuration names it; None if it does not."""
        target = (self.config or {}).get("target")
        if not isinstance(target, dict) or "path" not in target:
            return None
        return Source.of(target)


@dataclass(frozen=True, kw_only=True)
class Claims(Plain):
    """What a table of signals was made with; a table is never filled up under other claims.

    Args:
        split, importance, model: fingerprints.
        resolution: side of the square images, in pixels.
        asked_by: how the ruler's t was looked up; None where it is the model's own.
        attacks: `kind` and parameters by the attack's name.
    """

    VERSION: ClassVar[int | None] = 1

    seed: int | None
    split: str | None
    importance: str | None
    resolution: int | None
    model: str | None
    precision: str | None
    posterior: str | None
    asked_by: str | None = None
    attacks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def flat(self) -> dict[str, Any]:
        """For comparison and messages: attacks by name, so that the line stays readable."""
        flat = {key: value for key, value in self.as_json().items() if key != "version"}
        flat["attacks"] = sorted(self.attacks)
        return flat | {f"attacks.{name}": spec for name, spec in self.attacks.items()}

    @classmethod
    def upgraded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """Sets of signals had a condition when they were attacks, and never used it."""
        attacks = content.get("attacks")
        if not isinstance(attacks, dict):
            return content
        return {**content, "attacks": {name: _settled(spec) for name, spec in attacks.items()}}


def _settled(spec: Any) -> Any:
    if not isinstance(spec, dict) or spec.get("kind") not in SIGNAL_SETS:
        return spec
    return {key: value for key, value in spec.items() if key != "condition"}


@dataclass(frozen=True, kw_only=True)
class About(Plain):
    """How a table of signals was made.

    Args:
        model: folder or hub id that was asked, and what was put on it.
        files, commits: SHA-256 of what was put on it; commits of hub ids, of model and data.
        skipped: records that could not be read, and why.
        quarantined: by id, records about which the model answers NaN or infinity.
        captions_cut_by_the_tokenizer: how many were longer than the model reads.
        shared_captions: `records` and their distinct `captions`, where both sides share some.
        sampled: by key of `data` how many records were `drawn`, and `of` how many; None: all were.
        captions_by: the model that wrote the captions; None where the data have them.
        kin: what another model must share for its answers to be compared; hashes by name.
        table: name of the file that signals from elsewhere were read from.
        training: None for a model from elsewhere.
        config: the resolved configuration.
        attacks: by name; without any, every column is judged by itself.
        until: of an audit that stopped before all were asked.
    """

    VERSION: ClassVar[int | None] = 1

    made: Made | None = field(default=None, metadata=FLAT)
    model: str | None = None
    files: dict[str, str] | None = None
    commits: dict[str, str] | None = None
    skipped: tuple[str, ...] = ()
    quarantined: dict[str, Quarantined] | None = None
    captions_cut_by_the_tokenizer: int | None = None
    shared_captions: dict[str, int] | None = None
    sampled: dict[str, dict[str, int]] | None = None
    captions_by: Captioner | None = None
    kin: dict[str, str] | None = None
    table: str | None = None
    queries: Cost | None = None
    training: ModelNote | None = field(default=None, metadata=EMPTY)
    config: dict[str, Any] | None = None
    claims: Claims | None = None
    attacks: dict[str, AttackSpec] = field(default_factory=dict)
    until: AskedUntil | None = None


def read_about(table: Path) -> About:
    """What the JSON beside a table of signals tells; nothing without one, or if it is not ours.

    Raises:
        UserError: for a value of a wrong type, or a file that is no JSON mapping.
    """
    note = table.with_suffix(".json")
    content = read_json(note) if note.is_file() else {}
    if not isinstance(content, dict):
        raise UserError(f"{note}: not the provenance of {table.name}; move it away")
    before_versions = {"claims", "attacks"} & set(content)
    ours = isinstance(content.get("version"), int) or before_versions
    return About.from_json(content, str(note)) if ours else About()
