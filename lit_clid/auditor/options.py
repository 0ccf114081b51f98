"""Options of the audit."""

from dataclasses import dataclass

from lit_clid.errors import UserError
from lit_clid.targets import PRECISIONS


@dataclass(frozen=True)
class AuditOptions:
    """How a model is asked.

    Args:
        target, shadow: models to audit, folders or hub ids; null means the run's own, and no shadow if there is none.
        batch_size: records per batch; never changes a score.
        rows: most rows per call of the denoiser; never changes a score.
        precision: of the denoiser, "32", "bf16" or "16"; errors are always taken in float32.
        posterior: "mean" of the VAE's posterior, or a "sample" of it with noise keyed by the record.
        channels_last, compile: how the denoiser runs.
    """

    target: str | None = None
    shadow: str | None = None
    batch_size: int = 64
    rows: int = 64
    precision: str = "32"
    posterior: str = "mean"
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        for key, value, allowed in (
            ("precision", self.precision, PRECISIONS),
            ("posterior", self.posterior, ("mean", "sample")),
        ):
            if value not in allowed:
                raise UserError(f"audit.{key}: {value!r} is not one of {', '.join(allowed)}")
        if self.batch_size < 1 or self.rows < 1:
            raise UserError("audit.batch_size, audit.rows: must be at least 1")
