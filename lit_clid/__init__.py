"""lit-clid: audit text-to-image diffusion models for the data they were trained on.

    import lit_clid

    found = lit_clid.audit(pipeline, members=seen, holdouts=unseen)
    print(found.explain())
    found.save("report")

Models are pipelines of diffusers, folders or hub ids; records are lists of (image, caption), tables
of `datasets`, folders, files or hub ids. In a notebook a result shows itself.

Importing the package loads nothing heavy; each name loads what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lit_clid.about import ModelNote
    from lit_clid.commands.api import Trained, audit, judge, train
    from lit_clid.commands.gauge.membership import MembershipGauge
    from lit_clid.errors import UserError
    from lit_clid.judging.evidence import Estimate, Unresolved
    from lit_clid.judging.grades import Grade
    from lit_clid.judging.judge import Judgement
    from lit_clid.judging.report.result import Result
    from lit_clid.models.load import load_target
    from lit_clid.models.pipeline import PipelineTarget
    from lit_clid.scores import Scores

__all__ = [
    "Estimate",
    "Grade",
    "Judgement",
    "MembershipGauge",
    "ModelNote",
    "PipelineTarget",
    "Result",
    "Scores",
    "Trained",
    "Unresolved",
    "UserError",
    "audit",
    "judge",
    "load_target",
    "train",
]

_HOMES = {
    "Estimate": "lit_clid.judging.evidence",
    "Grade": "lit_clid.judging.grades",
    "MembershipGauge": "lit_clid.commands.gauge.membership",
    "ModelNote": "lit_clid.about",
    "Unresolved": "lit_clid.judging.evidence",
    "Judgement": "lit_clid.judging.judge",
    "PipelineTarget": "lit_clid.models.pipeline",
    "Result": "lit_clid.judging.report.result",
    "Scores": "lit_clid.scores",
    "Trained": "lit_clid.commands.api",
    "UserError": "lit_clid.errors",
    "audit": "lit_clid.commands.api",
    "judge": "lit_clid.commands.api",
    "load_target": "lit_clid.models.load",
    "train": "lit_clid.commands.api",
}
"""Where each public name lives."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
