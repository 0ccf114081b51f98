"""The audit: questions to one model about the records of one role, over any number of processes, resumable."""

from lit_clid.auditor.claims import answered, carry_over, claim, finished_scores, shard_folder
from lit_clid.auditor.models import Model, check_split, find_models, find_reference, read_note
from lit_clid.auditor.module import Auditor
from lit_clid.auditor.options import AuditOptions, SweepOptions
from lit_clid.auditor.queries import announce, check_attacks, count_queries, describe_attacks, tally
from lit_clid.auditor.run import audit, build_trainer
from lit_clid.auditor.sittings import REFERENCE, Sitting, check_sittings, load_models, plan, shared_records

__all__ = [
    "REFERENCE",
    "AuditOptions",
    "Auditor",
    "Model",
    "Sitting",
    "SweepOptions",
    "announce",
    "answered",
    "audit",
    "build_trainer",
    "carry_over",
    "check_attacks",
    "check_sittings",
    "check_split",
    "claim",
    "count_queries",
    "describe_attacks",
    "find_models",
    "find_reference",
    "finished_scores",
    "load_models",
    "plan",
    "read_note",
    "shard_folder",
    "shared_records",
    "tally",
]
