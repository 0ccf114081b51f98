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

from lit_clid.config.options.audit import AuditOptions, EvidenceOptions, SweepOptions
from lit_clid.config.options.data import ROLES, DataOptions
from lit_clid.config.options.experiment import GridOptions, UtilityOptions
from lit_clid.config.options.report import ReportOptions
from lit_clid.config.options.target import TargetOptions
from lit_clid.config.options.training import FineTuneOptions, GaugeOptions
from lit_clid.errors import UserError

A = TypeVar("A")
"""What `attacks` become: attacks by name, or nothing where none is asked."""
D = TypeVar("D")
"""What `defenses` become."""


@dataclass(frozen=True, kw_only=True)
class Config(Generic[A, D]):
    """The whole truth about an experiment, read by all commands.

    Args:
        name: of the run; everything is written to `runs`/`name`.
        runs: folder of all runs.
        seed: of the split, of training and of the audit's noise.
        role: which model `lit-clid train` trains, "target" or "shadow".
        dry_run: `lit-clid train` and `lit-clid audit` check everything but the weights, say what
            memory and work it would take, and stop.
        check: they do what `lit-clid check` does, and stop.
        data, target, finetune, gauge, audit, evidence, report, sweep, grid, utility: see the
            options' classes.
        attacks: list of names, or a mapping from name to changed parameters, or all; a later one
            replaces an earlier one. Without it, every attack but the costly.
        defenses: the same, of what is done against memorisation while training; later ones add to
            earlier ones.
        trainer: arguments of Lightning's Trainer, verbatim.
        scores, shadow_scores: tables of signals to judge instead of asking a model.
        signals: which columns of these tables are judged: a list of them, or a mapping from an
            attack's name to {columns: [NAME, …], rule: RULE}; null takes every column that can be
            a signal.
        headline: attack that an audit's verdict speaks of, named before its figures are seen; null
            takes the strongest on the shadow or, without one, tests the strongest against chance.
            In an experiment, whose changes are told first; null takes the strongest on the
            baseline.
        written: `attacks` and `defenses` as they were written, before they were built.
    """

    name: str = "demo"
    runs: str = "runs"
    seed: int = 0
    role: str = "target"
    dry_run: bool = False
    check: bool = False
    data: DataOptions = field(default_factory=DataOptions)
    target: TargetOptions = field(default_factory=TargetOptions)
    finetune: FineTuneOptions = field(default_factory=FineTuneOptions)
    gauge: GaugeOptions = field(default_factory=GaugeOptions)
    audit: AuditOptions = field(default_factory=AuditOptions)
    evidence: EvidenceOptions = field(default_factory=EvidenceOptions)
    report: ReportOptions = field(default_factory=ReportOptions)
    sweep: SweepOptions = field(default_factory=SweepOptions)
    grid: GridOptions = field(default_factory=GridOptions)
    utility: UtilityOptions = field(default_factory=UtilityOptions)
    attacks: A
    defenses: D
    trainer: dict[str, Any] = field(default_factory=dict)
    scores: str | None = None
    shadow_scores: str | None = None
    signals: Any = None
    headline: str | None = None
    written: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.check and self.dry_run:
            raise UserError("check, dry_run: one measures, the other reckons; choose one")
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


def _as_written(each: Field[Any]) -> Any:
    """The type of a field before names are looked up."""
    return Any if isinstance(each.type, TypeVar) else each.type


WRITTEN = make_dataclass(
    "Written",
    [(f.name, _as_written(f), copy(f)) for f in fields(Config) if f.name != "written"],
)
"""The fields that a configuration can set, before names are looked up."""


def kinds(cls: type = WRITTEN, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys, each with the type of its value."""
    for each in fields(cls):
        key = f"{prefix}{each.name}"
        if isinstance(each.type, type) and is_dataclass(each.type):
            yield from kinds(each.type, f"{key}.")
        yield key, each.type


KEYS: Mapping[str, Any] = dict(kinds())
"""Every dotted key, sections after their own."""
