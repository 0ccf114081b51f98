"""The configuration as finished, typed values: `Config`, and every key that it has."""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import (
    Field,
    asdict,
    dataclass,
    field,
    fields,
    is_dataclass,
    make_dataclass,
    replace,
)
from pathlib import Path
from typing import Any, Generic, TypeVar

from lit_clid.config.options.audit import AuditOptions, SweepOptions
from lit_clid.config.options.data import ROLES, DataOptions
from lit_clid.config.options.experiment import GridOptions, UtilityOptions
from lit_clid.config.options.target import TargetOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.errors import UserError

A = TypeVar("A")
"""What `attacks` become: attacks by name, or nothing where none is asked."""
D = TypeVar("D")
"""What `defenses` become."""
UNTRAINED = ("validate_every", "save_every", "samples", "cache", "checkpoints")
"""Keys of `finetune` that do not change the weights, unless a stopping defense looks at the
validations.
"""
TRAINED = (
    "max_steps",
    "accumulate_grad_batches",
    "gradient_clip_val",
    "gradient_clip_algorithm",
    "precision",
)
"""Keys of `trainer` that do."""


@dataclass(frozen=True, kw_only=True)
class Config(Generic[A, D]):
    """The whole truth about an experiment, read by all commands.

    Args:
        name: of the run; everything is written to `runs`/`name`.
        runs: folder of all runs.
        seed: of the split, of training and of the audit's noise.
        role: which model `train.py` trains, "target" or "shadow".
        data, target, finetune, audit, sweep, grid, utility: see the options' classes.
        attacks: list of names, or a mapping from name to changed parameters; a later one replaces
            an earlier one.
        defenses: the same, of what is done against memorisation while training; later ones add to
            earlier ones.
        trainer: arguments of Lightning's Trainer, verbatim.
        scores, shadow_scores: tables of signals to judge instead of asking a model.
        written: `attacks` and `defenses` as they were written, before they were built.
    """

    name: str = "demo"
    runs: str = "runs"
    seed: int = 0
    role: str = "target"
    data: DataOptions = field(default_factory=DataOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    finetune: FineTuneOptions = field(default_factory=FineTuneOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    sweep: SweepOptions = field(default_factory=SweepOptions)
    grid: GridOptions = field(default_factory=GridOptions)
    utility: UtilityOptions = field(default_factory=UtilityOptions)
    attacks: A
    defenses: D
    trainer: dict[str, Any] = field(default_factory=dict)
    scores: str | None = None
    shadow_scores: str | None = None
    written: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise UserError(f"role: {self.role!r} is not one of {', '.join(ROLES)}")
        if not self.name or Path(self.name).name != self.name or self.name.startswith("."):
            raise UserError(
                f"name: {self.name!r} must be a plain folder name; it becomes a folder in "
                f"'{self.runs}'"
            )

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return Path(self.runs).expanduser() / self.name

    @property
    def plain(self) -> dict[str, Any]:
        """The resolved configuration as plain values, `attacks` and `defenses` as written."""
        plain = asdict(replace(self, **self.written))
        del plain["written"]
        return plain

    def training_facts(self, split: str, base: str, processes: int) -> dict[str, Any]:
        """What a trained model depends on, flat; checkpoints and exports must agree in it.

        Args:
            split, base: fingerprints of the split's contents and of the base.
            processes: how many the batches are dealt out to.
        """
        plain = self.plain
        own = {
            "seed": self.seed,
            "role": self.role,
            "split": split,
            "base": base,
            "processes": processes,
        }
        data = {f"data.{key}": plain["data"][key] for key in ("resolution", "random_crop")}
        if self.data.rephrasings_column is not None:
            data["data.rephrasings_column"] = self.data.rephrasings_column
        defenses: Any = self.defenses
        tune = {
            f"finetune.{key}": value
            for key, value in plain["finetune"].items()
            if key not in UNTRAINED
        }
        if defenses.stops_on_validation:
            tune["finetune.validate_every"] = self.finetune.validate_every
        trainer = {
            f"trainer.{key}": plain["trainer"][key] for key in TRAINED if key in plain["trainer"]
        }
        return {**own, **data, **tune, **trainer, **defenses.facts}


def _as_written(each: Field[Any]) -> Any:
    """The type of a field before names are looked up."""
    return Any if isinstance(each.type, TypeVar) else each.type


WRITTEN = make_dataclass(
    "Written",
    [(f.name, _as_written(f), copy(f)) for f in fields(Config) if f.name != "written"],
)
"""The fields that a configuration can set, before names are looked up."""


def known_keys(cls: type = WRITTEN, prefix: str = "") -> Iterator[str]:
    """All dotted keys of the configuration."""
    for each in fields(cls):
        key = f"{prefix}{each.name}"
        if isinstance(each.type, type) and is_dataclass(each.type):
            yield from known_keys(each.type, f"{key}.")
        yield key
