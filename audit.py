"""Audit a target: ask it about members and hold-outs, calibrate on the shadow, judge, and write the report."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid import auditor, console, measure, report
from lit_clid.config import build_attacks, read_config
from lit_clid.data import Split, load_split

DEFAULT = Path(__file__).parent / "configs" / "demo.yaml"
USAGE = """usage: python audit.py [config.yaml ...] [key=value ...]

Audit runs/NAME/target, calibrated on runs/NAME/shadow and compared with the base it was tuned from, or the models
`audit.target`, `audit.shadow` and `audit.reference`.
With scores=PATH (parquet or CSV: id, member, signals; larger = more member-like) judge a table without any model.
Interrupted audits go on where they stopped.
example: python audit.py configs/demo.yaml attacks=[loss,clid_th] audit.batch_size=32"""


def main(arguments: Sequence[str]) -> None:
    config = read_config(arguments, DEFAULT)
    if config.scores is not None:
        report.refuse_foreign(config.folder, config.scores)
        scores, others = report.load_tables(config.scores, config.shadow_scores)
        report.publish(report.judge(scores, **others), config.folder, config.name)
        return
    attacks = build_attacks(config.attacks)
    models = auditor.find_models(config.folder, config.audit)
    split = load_split(config.data, config.seed, config.folder)
    tables = measure.audit(config, attacks, split, models, config.folder / "scores").tables
    target = tables.pop("target")
    if console.is_first_process() and target is not None:
        report.publish(report.judge(target, **tables), config.folder, config.name, pictures(split))


def pictures(split: Split) -> report.PictureSource:
    """Find records of the split by id."""
    place = split.locate()

    def picture(name: str, score: float, member: bool) -> report.Picture:
        source, row = place[name]
        return report.Picture(name, source.captions[row], source.open_image(row), score, member)

    return picture


if __name__ == "__main__":
    console.run(main, USAGE)
