"""Sittings carried out: load the models, ask what was not asked yet, keep the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lit_clid import console
from lit_clid.about import About, Claims
from lit_clid.auditing.claims import carry_over, claim, finished_scores
from lit_clid.auditing.lineage import Model, check_split, find_models, find_reference
from lit_clid.auditing.queries import announce, describe_attacks, tally
from lit_clid.auditing.run import asking_trainer, fill_table
from lit_clid.auditing.shards import finished_ids, shard_folder
from lit_clid.auditing.signals import Signals
from lit_clid.auditing.sittings import (
    REFERENCE,
    Sitting,
    check_sittings,
    load_models,
    plan,
    shared_records,
)
from lit_clid.commands.blind import blind_table
from lit_clid.commands.checks import check_headline, check_rules, check_suspects
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings, read
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.files import check_writable
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.report.pictures import Picture, PictureSource
from lit_clid.judging.report.publish import publish
from lit_clid.models.captions import caption_keys
from lit_clid.models.note import read_note
from lit_clid.models.target import Target
from lit_clid.scores import Scores


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    with held(config.folder):
        if config.evidence.stop_at is not None:
            from lit_clid.commands.stopping import stopped_early

            if stopped_early(config) is not None:
                return
        split, judgement = judged(config)
        if judgement is not None:
            publish(judgement, config.folder, config.name, pictures(split))


def judged(config: Settings) -> tuple[Split, Judgement | None]:
    """Audit a run's own models, or those that are named, and judge the tables.

    Returns:
        The split, and the judgement; None on processes other than the first.
    """
    models, split = opened(config)
    tables = audit(config, split, models, config.folder / "scores").tables
    target = tables.pop("target")
    if not console.is_first_process() or target is None:
        return split, None
    tables["blind"] = blind_table(split, config.folder / "scores")
    return split, judge(
        target,
        **tables,
        headline=config.headline,
        fdr=config.evidence.fdr,
        level=config.evidence.level,
    )


def opened(config: Settings) -> tuple[dict[str, Model], Split]:
    """The models to audit and the verified split, everything refused that can be by now."""
    check_headline(config)
    models = find_models(config.folder, config.audit)
    same = partial(caption_keys, models["target"].path)
    elsewhere = config.audit.target is not None and "shadow" not in models
    split = load_split(config.data, config.seed, config.folder, same, alone=elsewhere)
    check_suspects(config, split, models)
    return models, split


def pictures(split: Split) -> PictureSource:
    """Find records of the split by id."""
    place = split.locate()

    def picture(name: str, score: float, member: bool) -> Picture:
        source, row = place[name]
        return Picture(name, source.captions[row], source.open_image(row), score, member)

    return picture


@dataclass(frozen=True)
class Audited:
    """What an audit came to.

    Args:
        tables: by name, as `judging.judge` takes them; just made ones are None on processes other
            than the first.
        target: the model that was asked.
    """

    tables: dict[str, Scores | None]
    target: Target


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
    attacks = config.attacks
    check_rules(attacks, calibrated="shadow" in models)
    reference, remark = find_reference(
        models["target"].path, config.audit.reference, config.audit.variant
    )
    sittings = plan(models, reference, attacks, config.audit)
    for name, signals in (more or {}).items():
        sittings.append(Sitting(name, "target", models["target"], {name: signals}))
    check_split(models, split)
    targets = load_models(sittings, config.audit)
    remarks = [f"no reference: {remark}"] if remark else []
    for line in remarks + check_sittings(sittings, targets, split):
        console.say(f"note: {line}")
    tables: dict[str, Scores | None] = {}
    for sitting in sittings:
        carried = tables.get(REFERENCE["target"])
        model = targets[sitting.model]
        tables[sitting.table] = table_of(sitting, model, config, split, carried, folder)
    return Audited(tables, targets[models["target"]])


def table_of(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    carried: Scores | None = None,
    folder: Path | None = None,
) -> Scores | None:
    """The table of one sitting's signals; None on other processes where it has just been made.

    Args:
        carried: answers of the same model about some of the records.
        folder: where the table lies; None means the run's own scores.
    """
    options = config.audit
    path = (folder or config.folder / "scores") / f"{sitting.table}.parquet"
    side = target.side(config.data.resolution)
    claims = claim(target, split, sitting.attacks, options, config.seed, side)
    scores = finished_scores(path, claims)
    if scores is not None:
        console.say(f"{sitting.table}: already audited, see {path}")
        if scores.groups != split.groups and console.is_first_process():
            scores = replace(scores, groups=split.groups)
            scores.save(path)
        attacks = describe_attacks(sitting.attacks, target)  # titles, rules
        return replace(scores, about=replace(scores.about, attacks=attacks))
    return _asked(sitting, target, config, split, claims, carried, path)


def _asked(
    sitting: Sitting,
    target: Target,
    config: Settings,
    split: Split,
    claims: Claims,
    carried: Scores | None,
    path: Path,
) -> Scores | None:
    """The same, made: what is missing is asked."""
    options = config.audit
    if console.is_first_process():
        check_writable(path.parent)
    shared = shared_records(sitting, split)
    if shared and carried is not None and console.is_first_process():
        carry_over(carried, shared, claims, split, sitting.role, shard_folder(path))
    finished = shared | finished_ids(shard_folder(path))
    data = CaptionedImages(
        split,
        config.data,
        sitting.role,
        seed=config.seed,
        side=target.side(config.data.resolution),
        batch_size=options.batch_size,
        finished=finished,
    )
    model = sitting.model.path
    console.say(announce(sitting.table, model, sitting.attacks, len(data.audited), len(finished)))
    overlong = target.overlong(data.captions)
    console.say_overlong(overlong, len(data.captions))
    trainer = asking_trainer(config.trainer, sitting.table)
    about = About(
        model=model,
        skipped=tuple(split.skipped),
        captions_cut_by_the_tokenizer=overlong,
        shared_captions=split.shared.get(sitting.role),
        queries=tally(sitting.attacks, len(split.of(sitting.role)) - len(shared)),
        training=read_note(model),
        config=config.plain,
    )
    return fill_table(target, split, data, sitting.attacks, claims, path, trainer, about)
