"""The commands as functions: `lit_clid.train`, `lit_clid.audit`, `lit_clid.judge`.

`train` and `audit` take models and records in memory, folders, files and hub ids alike, the words
of the command line and, by name, changes of the configuration as plain values; sections are
mappings of the keys to change:

    audit(pipeline, members=seen, holdouts=unseen, attacks=["loss", "clid_th"])
    train("configs/demo.yaml", "role=shadow", name="mine", finetune={"learning_rate": 1e-3})

All raise `UserError`, whose message is the line that the command would print.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lit_clid.about import ModelNote
from lit_clid.commands.threads import before_torch
from lit_clid.errors import UserError
from lit_clid.judging.judge import Judgement
from lit_clid.judging.judge import judge as grade
from lit_clid.judging.report.result import Result
from lit_clid.judging.tables import load_tables, read_signals
from lit_clid.scores import Scores

if TYPE_CHECKING:
    from lit_clid.commands.reading import Settings
    from lit_clid.judging.suspects.stopped import Stopped

Shadow = Judgement | str | PathLike[str]
"""An audit of a shadow with its own records, or the folder of a shadow of this run."""


@dataclass(frozen=True)
class Trained:
    """A trained and exported model, which stands for its folder wherever a path is taken.

    Args:
        folder: of the model, an ordinary diffusers pipeline that `load_target` takes.
        note: how it was made, as it lies beside the model.
    """

    folder: Path
    note: ModelNote

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        return f"<Trained {self}: {self.note.steps} steps>"


def train(
    *words: Any, records: Any = None, members: Any = None, holdouts: Any = None, **changes: object
) -> Trained:
    """Fine-tune a model on the members of `role` and export it, as `lit-clid train` does.

    A model that is there already is not trained again.

    Args:
        words: the model to tune first, a pipeline of diffusers, folder or hub id, then YAML files
            and key=value words. Without a model it is the configuration's; without a YAML the
            recipe is the preset of the model's family or, for the embedded base, that of
            configs/folder.yaml; of the embedded drawings, the demo's.
        records: captioned images, dealt to members and hold-outs of target and shadow by their
            column `member` or the seed: a folder or file, a hub id, a `datasets.Dataset`, or a
            sequence of (image, caption).
        members: the same, of which a part is trained on, see `data.shadow`.
        holdouts: the same, never trained on.
        changes: of the configuration, by its top keys.

    Raises:
        UserError: for anything that cannot be trained so.

    Example:
        >>> train(pipeline, records="my-images", role="shadow", trainer={"max_steps": 500}).folder
        PosixPath('runs/records-5d2f0c6e/shadow')
    """
    before_torch()
    from lit_clid.commands.told import train_words

    given = {"records": records, "members": members, "holdouts": holdouts}
    told = train_words(words, changes, _there(given))
    with told.opened() as config:
        return _trained(config)


def _trained(config: "Settings") -> Trained:
    from lit_clid.commands.train import train as run
    from lit_clid.commands.trying import refuse_dry
    from lit_clid.models.note import read_note

    refuse_dry(config, "a training from Python")
    run(config)
    folder = config.folder / config.role
    note = read_note(str(folder))
    assert note is not None
    return Trained(folder, note)


def audit(
    *words: Any,
    records: Any = None,
    members: Any = None,
    holdouts: Any = None,
    suspects: Any = None,
    shadow: Shadow | None = None,
    reference: Any = "base",
    **changes: object,
) -> "Result | Stopped | None":
    """Audit a model, or the run's own, as `lit-clid audit` does; the tables are kept in
    runs/NAME/scores, no report is written.

    Args:
        words: the model first, a pipeline of diffusers, folder or hub id, then YAML files and
            key=value words. Without a model it is the one that `train` made of the same records,
            or that of the configuration. A pipeline is laid down in runs/pipelines and stays as it
            is.
        members: records that the model was trained on: a folder or file, a hub id, a
            `datasets.Dataset`, or a sequence of (image, caption), images of PIL or paths.
        holdouts: records of the same kind that it never saw.
        suspects: records of which nobody knows.
        records: instead of members and holdouts, records that a column `member`, or the seed that
            the model was trained with, parts.
        shadow: the audit of another model of the same kind with its own members and hold-outs, on
            which scores and thresholds are then calibrated; or a folder, see `audit.shadow`. None
            takes the run's own, if there is one.
        reference: a model that never saw the records, asked the same; "base" means the one that the
            model was tuned from, as far as it says, None none.
        changes: of the configuration, by its top keys; without a `name` the records and the model
            give the run's.

    Returns:
        Every attack's figures with intervals, or the evidence of an audit that `evidence.stop_at`
        stopped; None on processes other than the first.

    Raises:
        UserError: for anything that cannot be audited.

    Example:
        >>> found = audit(pipeline, members=seen, holdouts=unseen, attacks=["loss", "clid_th"])
        >>> found.grades["clid_th"].auroc.value
    """
    before_torch()
    from lit_clid.commands.told import audit_words

    kinds = ("records", "members", "holdouts", "suspects")
    given = dict(zip(kinds, (records, members, holdouts, suspects), strict=True))
    own = {"shadow": None if isinstance(shadow, Judgement) else shadow, "reference": reference}
    told = audit_words(words, changes, _there(given), own)
    calibration: dict[str, Scores] = {}
    if isinstance(shadow, Judgement):
        calibration = _calibration(shadow)
    with told.opened() as config:
        if config.scores is not None:
            return _of_tables(config)
        return _audited(config, calibration)


def _audited(config: "Settings", calibration: Mapping[str, Scores]) -> "Result | Stopped | None":
    from lit_clid.commands.apart import refuse_parts
    from lit_clid.commands.audit import judged, pictures
    from lit_clid.commands.gauge.checkpoints import is_pattern
    from lit_clid.commands.holding import held
    from lit_clid.commands.stopping import stopped_early
    from lit_clid.commands.trying import refuse_dry

    refuse_parts(config, "an audit from Python")
    refuse_dry(config, "an audit from Python")
    if is_pattern(config.audit.target):
        raise UserError(
            f"audit.target: {config.audit.target} names several models; lit-clid audit gauges them"
        )
    if calibration and config.evidence.stop_at is not None:
        raise UserError(
            "evidence.stop_at: looks at one attack while it asks and takes no other audit as its "
            "shadow; leave one of them out"
        )
    with held(config.folder):
        if config.evidence.stop_at is not None:
            stopped = stopped_early(config)
            if stopped is not None:
                return stopped
        split, found = judged(config, calibration)
        return None if found is None else Result.of(found, config.name, pictures(split, config))


def _calibration(shadow: Judgement) -> dict[str, Scores]:
    """The tables of another audit, as those of a shadow."""
    if shadow.claim:
        raise UserError(
            "shadow: is an audit of suspects, whose membership nobody knows; give one of a model "
            "whose members are known"
        )
    found = {"shadow": shadow.target}
    reference = shadow.beside.get("reference")
    return found if reference is None else {**found, "reference_shadow": reference}


def _of_tables(config: "Settings") -> Result:
    from lit_clid.commands.table import judged

    assert config.scores is not None
    table, others = load_tables(config.scores, config.shadow_scores, read_signals(config.signals))
    return Result.of(judged(config, table, others), config.name)


def judge(
    scores: str | PathLike[str] | Scores,
    shadow: str | PathLike[str] | Scores | None = None,
    headline: str | None = None,
    fdr: float = 0.1,
    level: float = 0.01,
) -> Result:
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
    place = Path("table" if isinstance(scores, Scores) else scores)
    named = place.resolve().parent.name if place.name == "scores" else place.stem
    if isinstance(scores, Scores) or isinstance(shadow, Scores):
        calibration = None if shadow is None else _table(shadow)
        found = grade(_table(scores), calibration, headline=headline, fdr=fdr, level=level)
        return Result.of(found, named)
    table, others = load_tables(fspath(scores), None if shadow is None else fspath(shadow))
    found = grade(table, **others, headline=headline, fdr=fdr, level=level)
    return Result.of(found, named)


def _table(table: str | PathLike[str] | Scores) -> Scores:
    return table if isinstance(table, Scores) else Scores.load(Path(table).expanduser())


def _there(given: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: each for kind, each in given.items() if each is not None}
