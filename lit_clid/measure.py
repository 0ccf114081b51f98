"""Sittings carried out: load the models, ask about the records that were not asked about, keep the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lit_clid import auditor, console
from lit_clid.attacks import Attack
from lit_clid.config import Config
from lit_clid.data import CaptionedImages, Split
from lit_clid.scores import Scores, finished_ids
from lit_clid.targets.stable_diffusion import StableDiffusion


@dataclass(frozen=True)
class Audited:
    """What an audit came to.

    Args:
        tables: by name, as `report.judge` takes them; just made ones are None on processes other than the first.
        target: the model that was asked.
    """

    tables: dict[str, Scores | None]
    target: StableDiffusion


def audit(
    config: Config,
    attacks: Mapping[str, Attack],
    split: Split,
    models: Mapping[str, auditor.Model],
    folder: Path,
    more: Mapping[str, Attack] | None = None,
) -> Audited:
    """Carry out all sittings of an audit.

    Args:
        models: to be asked, by role.
        folder: where the tables lie.
        more: tables of one further set of signals each that the target is asked for, by the table's name.

    Raises:
        UserError: if anything cannot be asked, before anything is.
    """
    reference, remark = auditor.find_reference(models["target"].path, config.audit.reference)
    sittings = auditor.plan(models, reference, attacks, config.audit)
    sittings += [auditor.Sitting(name, "target", models["target"], {name: a}) for name, a in (more or {}).items()]
    auditor.check_split(models, split)
    targets = auditor.load_models(sittings, config.audit)
    for line in [*([f"no reference: {remark}"] if remark else []), *auditor.check_sittings(sittings, targets, split)]:
        console.say(f"note: {line}")
    tables: dict[str, Scores | None] = {}
    for sitting in sittings:
        carried = tables.get(auditor.REFERENCE["target"])
        tables[sitting.table] = measure(sitting, targets[sitting.model], config, split, carried, folder)
    return Audited(tables, targets[models["target"]])


def measure(
    sitting: auditor.Sitting,
    target: StableDiffusion,
    config: Config,
    split: Split,
    carried: Scores | None = None,
    folder: Path | None = None,
) -> Scores | None:
    """The table of one sitting's signals; one that has just been made is None on processes other than the first.

    Args:
        carried: answers of the same model about some of the records.
        folder: where the table lies; None means the run's own scores.
    """
    options, path = config.audit, (folder or config.folder / "scores") / f"{sitting.table}.parquet"
    side = target.side(config.data.resolution)
    claims = auditor.claim(target, split, sitting.attacks, options, config.seed, side)
    scores = auditor.finished_scores(path, claims)
    if scores is not None:
        console.say(f"{sitting.table}: already audited, see {path}")
        about = {**scores.provenance, "attacks": auditor.describe_attacks(sitting.attacks, target)}  # titles, rules
        return replace(scores, provenance=about)
    shared = auditor.shared_records(sitting, split)
    if shared and carried is not None and console.is_first_process():
        auditor.carry_over(carried, shared, claims, split, sitting.role, auditor.shard_folder(path))
    finished = shared | finished_ids(auditor.shard_folder(path))
    data = CaptionedImages(
        split, config.data, sitting.role, seed=config.seed, side=side, batch_size=options.batch_size, finished=finished
    )
    model = sitting.model.path
    console.say(auditor.announce(sitting.table, model, sitting.attacks, len(data.audited), len(finished)))
    overlong = target.overlong(data.captions)
    console.say_overlong(overlong, len(data.captions))
    trainer = auditor.build_trainer(config.trainer, sitting.table)
    facts = {
        "model": model,
        "skipped": list(split.skipped),
        "captions_cut_by_the_tokenizer": overlong,
        "queries": auditor.tally(sitting.attacks, len(split.of(sitting.role)) - len(shared)),
        "training": auditor.read_note(model),
        "config": config.plain,
    }
    return auditor.audit(target, split, data, sitting.attacks, claims, path, trainer, facts)
