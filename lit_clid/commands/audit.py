"""Sittings carried out: load the models, ask about the records that were not asked about, keep
the tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lit_clid import console
from lit_clid.auditing.attacks import Attack
from lit_clid.auditing.claims import carry_over, claim, finished_scores, shard_folder
from lit_clid.auditing.lineage import Model, check_split, find_models, find_reference, read_note
from lit_clid.auditing.queries import announce, describe_attacks, tally
from lit_clid.auditing.run import audit as ask
from lit_clid.auditing.run import build_trainer
from lit_clid.auditing.sittings import (
    REFERENCE,
    Sitting,
    check_sittings,
    load_models,
    plan,
    shared_records,
)
from lit_clid.config.schema import DEMO, Config, build_attacks, read_config
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.judging.judge import judge
from lit_clid.judging.report.pictures import Picture, PictureSource
from lit_clid.judging.report.publish import publish, refuse_foreign
from lit_clid.judging.tables import load_tables
from lit_clid.models.families.stable_diffusion import StableDiffusion
from lit_clid.scores import Scores, finished_ids

USAGE = """usage: python audit.py [config.yaml ...] [key=value ...]

Audit runs/NAME/target, calibrated on runs/NAME/shadow and compared with the base it was tuned from, or the models
`audit.target`, `audit.shadow` and `audit.reference`.
With scores=PATH (parquet or CSV: id, member, signals; larger = more member-like) judge a table without any model.
Interrupted audits go on where they stopped.
example: python audit.py configs/demo.yaml attacks=[loss,clid_th] audit.batch_size=32"""


def main(arguments: Sequence[str]) -> None:
    config = read_config(arguments, DEMO)
    if config.scores is not None:
        refuse_foreign(config.folder, config.scores)
        scores, others = load_tables(config.scores, config.shadow_scores)
        publish(judge(scores, **others), config.folder, config.name)
        return
    attacks = build_attacks(config.attacks)
    models = find_models(config.folder, config.audit)
    split = load_split(config.data, config.seed, config.folder)
    tables = audit(config, attacks, split, models, config.folder / "scores").tables
    target = tables.pop("target")
    if console.is_first_process() and target is not None:
        publish(judge(target, **tables), config.folder, config.name, pictures(split))


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
        tables: by name, as `report.judge` takes them; just made ones are None on processes other
            than the first.
        target: the model that was asked.
    """

    tables: dict[str, Scores | None]
    target: StableDiffusion


def audit(
    config: Config,
    attacks: Mapping[str, Attack],
    split: Split,
    models: Mapping[str, Model],
    folder: Path,
    more: Mapping[str, Attack] | None = None,
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
    reference, remark = find_reference(models["target"].path, config.audit.reference)
    sittings = plan(models, reference, attacks, config.audit)
    sittings += [
        Sitting(name, "target", models["target"], {name: a}) for name, a in (more or {}).items()
    ]
    check_split(models, split)
    targets = load_models(sittings, config.audit)
    for line in [
        *([f"no reference: {remark}"] if remark else []),
        *check_sittings(sittings, targets, split),
    ]:
        console.say(f"note: {line}")
    tables: dict[str, Scores | None] = {}
    for sitting in sittings:
        carried = tables.get(REFERENCE["target"])
        tables[sitting.table] = measure(
            sitting, targets[sitting.model], config, split, carried, folder
        )
    return Audited(tables, targets[models["target"]])


def measure(
    sitting: Sitting,
    target: StableDiffusion,
    config: Config,
    split: Split,
    carried: Scores | None = None,
    folder: Path | None = None,
) -> Scores | None:
    """The table of one sitting's signals; one that has just been made is None on processes other
    than the first.

    Args:
        carried: answers of the same model about some of the records.
        folder: where the table lies; None means the run's own scores.
    """
    options, path = config.audit, (folder or config.folder / "scores") / f"{sitting.table}.parquet"
    side = target.side(config.data.resolution)
    claims = claim(target, split, sitting.attacks, options, config.seed, side)
    scores = finished_scores(path, claims)
    if scores is not None:
        console.say(f"{sitting.table}: already audited, see {path}")
        about = {
            **scores.provenance,
            "attacks": describe_attacks(sitting.attacks, target),
        }  # titles, rules
        return replace(scores, provenance=about)
    shared = shared_records(sitting, split)
    if shared and carried is not None and console.is_first_process():
        carry_over(carried, shared, claims, split, sitting.role, shard_folder(path))
    finished = shared | finished_ids(shard_folder(path))
    data = CaptionedImages(
        split,
        config.data,
        sitting.role,
        seed=config.seed,
        side=side,
        batch_size=options.batch_size,
        finished=finished,
    )
    model = sitting.model.path
    console.say(announce(sitting.table, model, sitting.attacks, len(data.audited), len(finished)))
    overlong = target.overlong(data.captions)
    console.say_overlong(overlong, len(data.captions))
    trainer = build_trainer(config.trainer, sitting.table)
    facts = {
        "model": model,
        "skipped": list(split.skipped),
        "captions_cut_by_the_tokenizer": overlong,
        "queries": tally(sitting.attacks, len(split.of(sitting.role)) - len(shared)),
        "training": read_note(model),
        "config": config.plain,
    }
    return ask(target, split, data, sitting.attacks, claims, path, trainer, facts)
