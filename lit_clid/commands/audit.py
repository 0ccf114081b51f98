"""Sittings carried out: load the models, ask what was not asked yet, keep the tables."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lit_clid import console
from lit_clid.auditing.lineage import Model
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import REFERENCE, Shelf
from lit_clid.commands.apart import asked_apart, hold_whole
from lit_clid.commands.blind import blind_table
from lit_clid.commands.checking import check
from lit_clid.commands.checks import check_calibration, check_part
from lit_clid.commands.dry import dry_audit
from lit_clid.commands.foretold import foretold
from lit_clid.commands.further import (
    cascade_table,
    swapped_table,
)
from lit_clid.commands.holding import PARTS, held, refuse_beside
from lit_clid.commands.planned import planned
from lit_clid.commands.precision import check_precision
from lit_clid.commands.processes import talk
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.sitting import opened, table_of
from lit_clid.commands.stopping import stopped_early
from lit_clid.config.options.audit import CHECK
from lit_clid.config.options.report import PLAIN
from lit_clid.data.split import Split
from lit_clid.errors import UserError
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.pseudonyms import pseudonymous, read_names
from lit_clid.judging.report.pictures import BLURRED, WIDE, Picture, PictureSource
from lit_clid.judging.report.publish import publish
from lit_clid.scores import Scores


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    if config.check:
        check(config)
        return
    if config.audit.precision == CHECK:
        with held(config.folder):
            check_precision(config)
        return
    if config.dry_run:
        dry_audit(config)
        return
    check_part(config)
    with ExitStack() as stack:
        if config.audit.parts[1] == 1:
            stack.enter_context(held(config.folder))
            refuse_beside(config.folder, PARTS)
        elif not asked_apart(config):
            k, n = config.audit.parts
            console.say(f"part {k} of {n} is asked; the last part to end makes the tables")
            return
        elif not hold_whole(config, stack):
            return
        if config.evidence.stop_at is not None and stopped_early(config) is not None:
            return
        split, judgement = judged(config)
        if judgement is not None:
            publish(judgement, config.folder, config.name, pictures(split, config))


def judged(
    config: Settings, calibration: Mapping[str, Scores] | None = None
) -> tuple[Split, Judgement | None]:
    """Audit a run's own models, or those that are named, and judge the tables.

    Args:
        calibration: tables of another audit, of a model that serves as the shadow, by the names
            that `judging.judge` takes; None means the run's own shadow, if there is one.

    Returns:
        The split, and the judgement; None on processes other than the first.

    Raises:
        UserError: as `audit`, and if there is a shadow beside a calibration.
    """
    told = calibration or {}
    models, split = opened(config, calibrated=bool(told))
    if told and "shadow" in models:
        raise UserError(
            f"shadow: {models['shadow'].source} is the run's own; leave out the other audit, or "
            "give this one another name=…"
        )
    folder = config.folder / "scores"
    audited = audit(config, split, models, folder)
    tables, asked = {**audited.tables, **told}, (models["target"], audited.targets)
    if told and tables["target"] is not None:
        check_calibration(tables["target"], told["shadow"])
    tables["swapped"] = swapped_table(config, split, *asked, folder)
    target = tables.pop("target")
    first = None
    if console.is_first_process() and target is not None:
        tables["blind"] = blind_table(split, folder)
    asks_on = config.evidence.cascade and not talk()  # each process finds the same tables
    if target is not None and (console.is_first_process() or asks_on):
        first = _judge(config, target, tables)
    cascade = cascade_table(config, split, *asked, folder, first)
    if not console.is_first_process():
        return split, None
    if target is None or (cascade is None and config.report.ids == PLAIN):
        return split, first
    every: dict[str, Scores | None] = {**tables, "cascade": cascade}
    if config.report.ids != PLAIN:
        target, every = pseudonymous(target, every, config.folder)
    return split, _judge(config, target, every)


def _judge(config: Settings, target: Scores, tables: Mapping[str, Scores | None]) -> Judgement:
    return judge(
        target,
        **tables,
        headline=config.headline,
        fdr=config.evidence.fdr,
        level=config.evidence.level,
    )


def pictures(split: Split, config: Settings) -> PictureSource | None:
    """What finds records of the split by the id, or name, that the report calls them by; None if
    it shows none.
    """
    options, data, place = config.report, config.data, split.places
    kind, told = options.shows_pictures(data), options.shows_captions(data)
    if kind == "none" and not told:
        return None
    ids = {name: own for own, name in read_names(config.folder).items()}

    def picture(name: str, score: float, member: bool) -> Picture:
        source, row = place[ids.get(name, name)]
        image = None if kind == "none" else source.open_image(row)
        caption = source.captions[row] if told else ""
        return Picture(name, caption, image, score, member, BLURRED if kind == "blurred" else WIDE)

    return picture


@dataclass(frozen=True)
class Audited:
    """What an audit came to.

    Args:
        tables: by name, as `judging.judge` takes them; just made ones are None on processes other
            than the first.
        targets: the models that were asked.
    """

    tables: dict[str, Scores | None]
    targets: Shelf


def audit(
    config: Settings,
    split: Split,
    models: Mapping[str, Model],
    folder: Path,
    more: Mapping[str, Signals] | None = None,
) -> Audited:
    """Carry out all sittings of an audit.

    Args:
        models: to be asked, by role.
        folder: where the tables lie.
        more: tables of one further set of signals each that the target is asked for, by the table's
            name.

    Raises:
        UserError: if anything cannot be asked, before anything is.
    """
    sittings, targets = planned(config, split, models, more)
    if console.is_first_process():
        told = foretold(sittings, targets, config, split, folder)
        console.say(told or "plan: everything was asked before")
    tables: dict[str, Scores | None] = {}
    for sitting in sittings:
        carried = tables.get(REFERENCE["target"])
        tables[sitting.table] = table_of(
            sitting, targets[sitting.model], config, split, carried, folder
        )
    return Audited(tables, targets)
