"""Audit a target: ask it about members and hold-outs, calibrate on the shadow, judge, and write the report."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid import auditor, console, report
from lit_clid.attacks import Attack
from lit_clid.config import Config, build_attacks, read_config
from lit_clid.data import ROLES, CaptionedImages, Split, load_split
from lit_clid.scores import Scores, finished_ids
from lit_clid.targets import load_target

DEFAULT = Path(__file__).parent / "configs" / "demo.yaml"
USAGE = """usage: python audit.py [config.yaml ...] [key=value ...]

Audit runs/NAME/target, calibrated on runs/NAME/shadow, or the models `audit.target` and `audit.shadow`.
With scores=PATH (parquet or CSV: id, member, signals; larger = more member-like) judge a table without any model.
Interrupted audits go on where they stopped.
example: python audit.py configs/demo.yaml attacks=[loss,clid_th] audit.batch_size=32"""


def main(arguments: Sequence[str]) -> None:
    config = read_config(arguments, DEFAULT)
    if config.scores is not None:
        report.refuse_foreign(config.folder, config.scores)
        target, shadow = report.load_tables(config.scores, config.shadow_scores)
        report.publish(report.judge(target, shadow), config.folder, config.name)
        return
    attacks = build_attacks(config.attacks)
    models = auditor.find_models(config.folder, config.audit)
    split = load_split(config.data, config.seed, config.folder)
    auditor.check_split(models, split)
    tables = {role: measure(role, models[role], config, split, attacks) for role in ROLES if role in models}
    if console.is_first_process() and (table := tables["target"]) is not None:
        judgement = report.judge(table, tables.get("shadow"))
        report.publish(judgement, config.folder, config.name, pictures(split))


def pictures(split: Split) -> report.PictureSource:
    """Find records of the split by id."""
    place = split.locate()

    def picture(name: str, score: float, member: bool) -> report.Picture:
        source, row = place[name]
        return report.Picture(name, source.captions[row], source.open_image(row), score, member)

    return picture


def measure(role: str, model: str, config: Config, split: Split, attacks: dict[str, Attack]) -> Scores | None:
    """The table of one model's signals; None on processes other than the first."""
    options, path = config.audit, config.folder / "scores" / f"{role}.parquet"
    target = load_target(
        model,
        precision=options.precision,
        channels_last=options.channels_last,
        compile=options.compile,
        rows=options.rows,
    )
    auditor.check_attacks(attacks, target.timesteps)
    side = target.side(config.data.resolution)
    claims = auditor.claim(target, split, attacks, options, config.seed, side)
    scores = auditor.finished_scores(path, claims)
    if scores is not None:
        console.say(f"{role}: already audited, see {path}")
        return scores
    finished = finished_ids(auditor.shard_folder(path))
    data = CaptionedImages(
        split, config.data, role, seed=config.seed, side=side, batch_size=options.batch_size, finished=finished
    )
    console.say(auditor.announce(role, model, attacks, len(data.audited), len(finished)))
    overlong = target.overlong(data.captions)
    console.say_overlong(overlong, len(data.captions))
    trainer = auditor.build_trainer(config.trainer, role)
    facts = {
        "model": model,
        "skipped": list(split.skipped),
        "captions_cut_by_the_tokenizer": overlong,
        "training": auditor.read_note(model),
        "config": config.plain,
    }
    return auditor.audit(target, split, data, attacks, claims, path, trainer, facts)


if __name__ == "__main__":
    console.run(main, USAGE)
