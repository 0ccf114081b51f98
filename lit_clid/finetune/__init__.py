"""Fine-tuning a target: the paper's recipe and the usual variants, as a LightningModule."""

from lit_clid.finetune.export import export, finished_model
from lit_clid.finetune.module import FineTune
from lit_clid.finetune.options import FineTuneOptions
from lit_clid.finetune.recipe import build_trainer, resume_from

__all__ = ["FineTune", "FineTuneOptions", "build_trainer", "export", "finished_model", "resume_from"]
