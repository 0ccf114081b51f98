"""Options of the audit and of the sweep."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lit_clid.config.options.part import read_part
from lit_clid.config.options.target import PRECISIONS
from lit_clid.errors import UserError, few

COMPILED = (False, True, "graphs")
"""How the denoiser may be compiled."""
CHECK = "check"
"""As a precision: that it is to be found out."""


@dataclass(frozen=True)
class SweepOptions:
    """What `lit-clid sweep` asks the shadow.

    Args:
        t: timesteps.
        draws: draws of ε at each.
    """

    t: list[int] = field(default_factory=lambda: list(range(50, 951, 50)))
    draws: int = 3

    def __post_init__(self) -> None:
        if not self.t or self.draws < 1 or min(self.t) < 0:
            raise UserError(
                "sweep.t, sweep.draws: give at least one timestep of the schedule, and one draw"
            )
        if self.t != sorted(set(self.t)):
            raise UserError(f"sweep.t: {self.t} must rise, each timestep once")


AUTO = "auto"
INFORMING = frozenset({"loss", "monte_carlo", "pia", "sima", "clir_5"})
"""Attacks whose answers by the reference inform a verdict: errors, which a record's difficulty
moves more than membership, so that subtracting the reference helps most; and of those that compare
a model with itself, which it helps little, a cheap one as a control.
"""


@dataclass(frozen=True)
class AuditOptions:
    """How a model is asked.

    Args:
        target, shadow: models to audit, folders or hub ids; null means the run's own, and no shadow
            if there is none. A pattern as target, such as 'runs/x/checkpoints/*', gauges every
            pipeline and LoRA file that it matches (these on the base `target.path`).
        variant: weight variant of the models named here, such as "fp16"; null takes the plain files
            or, in a folder without them, the only variant there is.
        reference: public model that never saw the records, asked the same; β times its signals are
            subtracted in rows `…_ref`, β fitted on the shadow's hold-outs (1 without a shadow).
            "base" means the one the target was tuned from, if its note names one; null means none.
        reference_attacks: names of the attacks the reference is asked for; null means all. "auto"
            means those of `INFORMING` where all of them are asked, and otherwise all.
        swapped: records of each kind that are asked again with the captions of others, by the first
            attack that lives on captions, as a control; 0 asks none.
        part: "k/n" asks about every n-th batch of records from the k-th on, so that n independent
            jobs share an audit; the last of them to end makes the tables and the report.
        batch_size: records per batch; never changes a score.
        rows: most rows per call of the denoiser; never changes a score.
        precision: of the denoiser, "32", "bf16" or "16"; errors are always taken in float32.
            "check" asks some records in each and says what that does to ranks, AUROC and time.
        posterior: "mean" of the VAE's posterior, or a "sample" of it with noise keyed by the
            record.
        channels_last: whether the kernels of convolutions lie channels last.
        compile: true has torch compile the denoiser, "graphs" also record its calls as CUDA graphs;
            calls are filled up to `rows`, so that it is compiled once.
        offload: keep the text encoders on the CPU, and hand over what they make of a caption.
        latents: folder in which encoded images are kept for other audits of the same records in
            the same batches, be it by other attacks, of other checkpoints or of other runs; 64 kB
            a record and view for Stable Diffusion 1.5 at 512 pixels. Whoever has them has the
            images. null keeps them in memory, for this audit.
    """

    target: str | None = None
    shadow: str | None = None
    variant: str | None = None
    reference: str | None = "base"
    reference_attacks: Any = AUTO
    swapped: int = 128
    part: str = "1/1"
    batch_size: int = 64
    rows: int = 64
    precision: str = "32"
    posterior: str = "mean"
    channels_last: bool = True
    compile: bool | str = False
    offload: bool = False
    latents: str | None = None

    def __post_init__(self) -> None:
        names = self.reference_attacks
        listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if names not in (None, AUTO) and not listed:
            raise UserError(
                f"audit.reference_attacks: {names!r} is not a list of names, such as [loss, "
                "clid_th_null], nor auto or null"
            )
        for key, value, allowed in (
            ("precision", self.precision, (*PRECISIONS, CHECK)),
            ("posterior", self.posterior, ("mean", "sample")),
            ("compile", self.compile, COMPILED),
        ):
            if value not in allowed:
                known = ", ".join(str(each).lower() for each in allowed)
                raise UserError(f"audit.{key}: {value!r} is not one of {known}")
        read_part("audit.part", self.part)
        if self.swapped < 0:
            raise UserError(f"audit.swapped: {self.swapped} must be 0 or more")
        if self.batch_size < 1 or self.rows < 1:
            raise UserError("audit.batch_size, audit.rows: must be at least 1")

    @property
    def parts(self) -> tuple[int, int]:
        """(k, n) of `part`."""
        return read_part("audit.part", self.part)

    def of_reference(self, attacks: Iterable[str]) -> list[str]:
        """Names that the reference is asked for, of an audit that asks `attacks`.

        Raises:
            UserError: for a name that is not among them.
        """
        known = list(attacks)
        if self.reference_attacks == AUTO:
            return [name for name in known if name in INFORMING or not set(known) >= INFORMING]
        names = known if self.reference_attacks is None else list(self.reference_attacks)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise UserError(
                f"audit.reference_attacks: {few(unknown)} not among the attacks: {few(known, 20)}"
            )
        return names


@dataclass(frozen=True)
class EvidenceOptions:
    """What is asked of suspects, records whose membership nobody knows.

    Args:
        fdr: false-discovery rate of the list of suspects, in (0, 1): over many audits at most this
            share of the names is wrong on average.
        level: error at which the sequential test of the set would have stopped, in (0, 1).
        cascade: an expensive attack that is asked only about the records in question, those that
            the attack that speaks puts highest; the list of records is then its own. null asks
            none.
        keep: share of suspects and hold-outs, the highest of both together, that are in question.
        stop_at: error at which the audit itself stops asking: suspects and hold-outs are asked in a
            random order, batch by batch, until the set is shown to be in the training data or all
            are asked. Nothing is then said of the share and of single records. null asks all.
    """

    fdr: float = 0.1
    level: float = 0.01
    stop_at: float | None = None
    cascade: str | None = None
    keep: float = 0.2

    def __post_init__(self) -> None:
        rates = {"fdr": self.fdr, "level": self.level, "stop_at": self.stop_at, "keep": self.keep}
        for key, value in rates.items():
            if value is not None and not 0 < value < 1:
                raise UserError(f"evidence.{key}: {value:g} must lie between 0 and 1, as in 0.1")
