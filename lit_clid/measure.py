"""One sitting of a run: ask a model about the records of a role, or find that it was asked already."""

from dataclasses import replace

from lit_clid import auditor, console
from lit_clid.config import Config
from lit_clid.data import CaptionedImages, Split
from lit_clid.scores import Scores, finished_ids
from lit_clid.targets.stable_diffusion import StableDiffusion


def measure(
    sitting: auditor.Sitting, target: StableDiffusion, config: Config, split: Split, carried: Scores | None
) -> Scores | None:
    """The table of one sitting's signals; one that has just been made is None on processes other than the first.

    Args:
        carried: answers of the same model about some of the records.
    """
    options, path = config.audit, config.folder / "scores" / f"{sitting.table}.parquet"
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
