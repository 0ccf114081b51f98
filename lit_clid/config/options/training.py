"""Options of fine-tuning.

Steps, accumulation, clipping, precision and devices belong to `trainer:`.
"""

from dataclasses import dataclass, field

from lit_clid.errors import UserError

CACHE = ("auto", "always", "never")
SCHEDULES = ("constant", "cosine")
LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")


@dataclass(frozen=True)
class FineTuneOptions:
    """How the target is tuned.

    The paper's is `train: unet, learning_rate: 1e-5, schedule: constant`.

    Args:
        train: the whole "unet" (of SD 3 the "transformer"), its "attention" or "cross_attention"
            blocks as far as the family has them, or "lora" on all attention.
        batch_size: per device and step.
        learning_rate, weight_decay: of AdamW.
        schedule, warmup_steps: "constant", or "cosine", which ends at nothing at trainer.max_steps,
            after so many steps of linear warm-up.
        ema_decay: of the moving average that is validated and exported, warmed up as min(decay, (1
            + n) / (10 + n)); null averages none.
        average_from, average_every: step from which plain checkpoint averaging takes over: the mean
            of the weights at this step and at every so-many-th after it is validated and exported;
            null averages none.
        min_snr_gamma: γ of min-SNR weighting (5 is usual); null weighs all t alike.
        gradient_checkpointing: less memory for more time.
        lora_rank, lora_alpha: of "lora".
        cache: keep latents and text embeddings in memory: "auto" keeps what no defense changes from
            step to step, embeddings up to a quarter of the machine's memory; "always" refuses such
            defenses, "never" keeps nothing.
        checkpoints: optimiser steps per member after which the model is exported on the way, to
            checkpoints/ROLE.
        validate_every, save_every: optimiser steps between validations and between resumable
            checkpoints.
        samples: images per sample grid at validation; 0 draws none.
        loggers: "csv" and "tensorboard", files of the run; "wandb" and "mlflow" where their
            packages are installed. Curves, and the names of run and role, go to the service that
            wandb is set up for, and to a file of the run or the server that MLFLOW_TRACKING_URI
            names.
    """

    train: str = "unet"
    batch_size: int = 4
    learning_rate: float = 1e-5
    weight_decay: float = 0.01
    schedule: str = "constant"
    warmup_steps: int = 0
    ema_decay: float | None = 0.9999
    average_from: int | None = None
    average_every: int = 100
    min_snr_gamma: float | None = None
    gradient_checkpointing: bool = False
    lora_rank: int = 8
    lora_alpha: float = 8.0
    cache: str = "auto"
    checkpoints: list[float] = field(default_factory=list)
    validate_every: int = 500
    save_every: int = 500
    samples: int = 8
    loggers: list[str] = field(default_factory=lambda: ["csv", "tensorboard"])

    def __post_init__(self) -> None:
        unknown = [name for name in self.loggers if name not in LOGGERS]
        if unknown:
            raise UserError(f"finetune.loggers: {unknown[0]!r} is not one of {', '.join(LOGGERS)}")
        if self.schedule not in SCHEDULES:
            raise UserError(
                f"finetune.schedule: {self.schedule!r} is not one of {', '.join(SCHEDULES)}"
            )
        if self.cache not in CACHE:
            raise UserError(f"finetune.cache: {self.cache!r} is not one of {', '.join(CACHE)}")
        if self.samples < 0:
            raise UserError(f"finetune.samples: {self.samples} must be 0 or more")
        for key in (
            "batch_size",
            "learning_rate",
            "validate_every",
            "save_every",
            "lora_rank",
            "average_every",
        ):
            if getattr(self, key) <= 0:
                raise UserError(f"finetune.{key}: {getattr(self, key)} must be larger than 0")
        if self.checkpoints != sorted(set(self.checkpoints)) or any(
            each <= 0 for each in self.checkpoints
        ):
            raise UserError(
                f"finetune.checkpoints: {self.checkpoints} must rise from above 0, in steps per "
                "image"
            )
        if self.average_from is not None and (self.average_from < 1 or self.ema_decay is not None):
            raise UserError(
                f"finetune.average_from: {self.average_from} must be a step, and the moving "
                "average off (finetune.ema_decay=null); a run exports one average"
            )
        if self.ema_decay is not None and not 0 <= self.ema_decay < 1:
            raise UserError(
                f"finetune.ema_decay: {self.ema_decay} must lie in [0, 1); null switches "
                "averaging off"
            )


@dataclass(frozen=True)
class GaugeOptions:
    """How a training is watched: from which step on does it memorise?

    Args:
        every: optimiser steps between two measurements of membership AUROC, member loss and
            held-out loss, which go to the logger, gauge-training.csv and gauge-training.svg; null
            never measures. The weights do not depend on it.
        attack: cheap attack without a shadow that is asked.
        probe: members and hold-outs each that it is asked about.
    """

    every: int | None = None
    attack: str = "clid_th_null"
    probe: int = 256

    def __post_init__(self) -> None:
        if self.every is not None and self.every < 1:
            raise UserError(f"gauge.every: {self.every} must be larger than 0, or null")
        if self.probe < 2:
            raise UserError(f"gauge.probe: {self.probe} must be at least 2")
