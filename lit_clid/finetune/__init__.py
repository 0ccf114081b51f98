"""Fine-tuning a target: the paper's recipe, the usual variants and the defenses, as a LightningModule."""

from lit_clid.finetune.contradictions import check_defenses, check_records
from lit_clid.finetune.export import export, finished_model, write_model
from lit_clid.finetune.module import FineTune
from lit_clid.finetune.options import FineTuneOptions
from lit_clid.finetune.recipe import build_trainer, checkpoint_steps, export_on_the_way, resume_from

__all__ = [
    "FineTune",
    "FineTuneOptions",
    "build_trainer",
    "check_defenses",
    "check_records",
    "checkpoint_steps",
    "export",
    "export_on_the_way",
    "finished_model",
    "resume_from",
    "write_model",
]
