"""The commands as functions: `lit_clid.train`, `lit_clid.audit`, `lit_clid.judge`.

`train` and `audit` take the words of the command line and, by name, changes of the configuration as
plain values; sections are mappings of the keys to change:

    train("configs/demo.yaml", "role=shadow", name="mine", finetune={"learning_rate": 1e-3})

All raise `UserError`, whose message is the line that the command would print.
"""

import json
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from lit_clid.about import ModelNote
from lit_clid.errors import UserError
from lit_clid.judging.judge import Judgement
from lit_clid.judging.judge import judge as grade
from lit_clid.judging.tables import load_tables, read_signals
from lit_clid.scores import Scores

if TYPE_CHECKING:
    from lit_clid.commands.reading import Settings
    from lit_clid.judging.suspects.stopped import Stopped


@dataclass(frozen=True)
class Trained:
    """A trained and exported model.

    Args:
        folder: of the model, an ordinary diffusers pipeline that `load_target` takes.
        note: how it was made, as it lies beside the model.
    """

    folder: Path
    note: ModelNote


def train(*words: str | PathLike[str], **changes: object) -> Trained:
    """Fine-tune `target.path` on the members of `role` and export it, as `lit-clid train` does.

    A model that is there already is not trained again.

    Args:
        words: YAML files, then key=value words; without a YAML, the embedded demo's.
        changes: of the configuration, by its top keys.

    Example:
        >>> train(name="mine", role="shadow", trainer={"max_steps": 500}).folder
        PosixPath('runs/mine/shadow')
    """
    from lit_clid.commands.train import train as run
    from lit_clid.models.note import read_note

    config = _read(words, changes)
    run(config)
    folder = config.folder / config.role
    note = read_note(str(folder))
    assert note is not None
    return Trained(folder, note)


def audit(*words: str | PathLike[str], **changes: object) -> "Judgement | Stopped | None":
    """Audit runs/NAME/target, or the models that `audit.target` and its neighbours name, as
    `lit-clid audit` does; the tables are kept in runs/NAME/scores, no report is written.

    Args:
        words: YAML files, then key=value words; without a YAML, the embedded demo's.
        changes: of the configuration, by its top keys.

    Returns:
        Every attack's figures with intervals, or the evidence of an audit that `evidence.stop_at`
        stopped; None on processes other than the first.

    Example:
        >>> found = audit(name="mine", attacks=["loss", "clid_th"])
        >>> found.grades["clid_th"].auroc.value
    """
    config = _read(words, changes)
    if config.scores is not None:
        table, others = load_tables(
            config.scores, config.shadow_scores, read_signals(config.signals)
        )
        return grade(
            table,
            **others,
            headline=config.headline,
            fdr=config.evidence.fdr,
            level=config.evidence.level,
        )
    from lit_clid.commands.apart import refuse_parts
    from lit_clid.commands.audit import judged
    from lit_clid.commands.gauge.checkpoints import is_pattern
    from lit_clid.commands.holding import held
    from lit_clid.commands.stopping import stopped_early

    refuse_parts(config, "an audit from Python")
    if is_pattern(config.audit.target):
        raise UserError(
            f"audit.target: {config.audit.target} names several models; lit-clid audit gauges them"
        )
    with held(config.folder):
        if config.evidence.stop_at is not None:
            stopped = stopped_early(config)
            if stopped is not None:
                return stopped
        return judged(config)[1]


def judge(
    scores: str | PathLike[str] | Scores,
    shadow: str | PathLike[str] | Scores | None = None,
    headline: str | None = None,
    fdr: float = 0.1,
    level: float = 0.01,
) -> Judgement:
    """Grade every attack of a table of signals, calibrated on the shadow's; asks no model.

    Args:
        scores: a table (parquet or CSV: id, member, signals; larger = more member-like), or a
            run's folder of tables.
        shadow: the same signals of a shadow model's own records; None takes shadow.parquet where
            `scores` is a run's, and else fits nothing.
        headline: the attack the verdict speaks of, named before its figures are seen; None takes
            the strongest on the shadow or, without one, tests the strongest against chance.
        fdr: false-discovery rate of the list of suspects, records whose cell `member` is empty.
        level: error of the sequential test of them.

    Example:
        >>> judge("signals.csv").grades["loss"].auroc.value
    """
    if isinstance(scores, Scores) or isinstance(shadow, Scores):
        calibration = None if shadow is None else _table(shadow)
        return grade(_table(scores), calibration, headline=headline, fdr=fdr, level=level)
    table, others = load_tables(fspath(scores), None if shadow is None else fspath(shadow))
    return grade(table, **others, headline=headline, fdr=fdr, level=level)


def _table(table: str | PathLike[str] | Scores) -> Scores:
    return table if isinstance(table, Scores) else Scores.load(Path(table).expanduser())


def _read(words: tuple[str | PathLike[str], ...], changes: dict[str, object]) -> "Settings":
    """The configuration; a change is a word: a text as it is, anything else as JSON."""
    from lit_clid.commands.reading import read

    changed: list[str] = []
    for key, value in changes.items():
        plain = fspath(value) if isinstance(value, PathLike) else value
        if not isinstance(plain, str):
            plain = json.dumps(plain, default=fspath, ensure_ascii=False)
        changed.append(f"{key}={plain}")
    return read([*(fspath(word) for word in words), *changed])
