"""The audit: questions to one model about the records of one role, over any number of processes, resumable."""

from lit_clid.auditor.claims import claim, finished_scores, shard_folder
from lit_clid.auditor.models import check_split, find_models, read_note
from lit_clid.auditor.module import Auditor
from lit_clid.auditor.options import AuditOptions
from lit_clid.auditor.queries import announce, check_attacks, count_queries
from lit_clid.auditor.run import audit, build_trainer

__all__ = [
    "AuditOptions",
    "Auditor",
    "announce",
    "audit",
    "build_trainer",
    "check_attacks",
    "check_split",
    "claim",
    "count_queries",
    "find_models",
    "finished_scores",
    "read_note",
    "shard_folder",
]
