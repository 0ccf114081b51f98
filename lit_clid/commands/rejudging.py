"""`judge`: say again what a run's tables, or a table from elsewhere, show; asks no model."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_clid import console
from lit_clid.commands.table import judge_table
from lit_clid.commands.verify import judged_by, leftover
from lit_clid.config.named import NOTHING
from lit_clid.config.reading import DEMO, read_config
from lit_clid.errors import UserError
from lit_clid.files import read_json, write_text
from lit_clid.judging.evidence import Evidence
from lit_clid.judging.judge import Judgement, judge
from lit_clid.judging.notation import interval
from lit_clid.judging.pseudonyms import FILE
from lit_clid.judging.report.papers import grid_csv, grid_tex
from lit_clid.judging.report.section import Report
from lit_clid.judging.report.words import terminal
from lit_clid.judging.tables import load_tables, read_signals
from lit_clid.judging.versus import versus

BASELINE = "baseline="
STOPPED = "stopped.parquet"
"""Table of an audit that stopped early."""
PLAIN = r"[^\w.-]+"
"""What may not stand in a file's name."""
HEADER = ("attack", "AUROC", "TPR@10%FPR, points")


def main(arguments: Sequence[str]) -> None:
    """Judge RUN or TABLE.

    Raises:
        UserError: if neither is named, or `baseline` was not judged.
    """
    if not arguments or "=" in arguments[0]:
        raise UserError(
            "judge: name a run's folder or a table, as in lit-clid judge runs/demo baseline=clid_th"
        )
    words = [word for word in arguments[1:] if not word.startswith(BASELINE)]
    named = [word.removeprefix(BASELINE) for word in arguments if word.startswith(BASELINE)]
    place = Path(arguments[0]).expanduser()
    folder = place
    if not place.is_dir():
        words += _named(place, words)
        judge_table([*words, f"scores={place}"])
        if not named:
            return
        folder = read_config(words, DEMO, NOTHING, NOTHING).folder
    judgement = judged_again(place, words)
    found = versus(judgement, named[-1]) if named else {}
    if place.is_dir():
        console.say(terminal(Report(folder.resolve().name, judgement)))
    if named:
        _compare(judgement, found, named[-1], folder)


def _named(table: Path, words: Sequence[str]) -> list[str]:
    """Into which run a table is judged, unless the words say so or name a file that may: one of its
    own; that of an audit which stopped early into the audit's, whose report it is.
    """
    if any(word.startswith("name=") or "=" not in word for word in words):
        return []
    scores = table.resolve().parent
    run = scores.parent
    if table.name == STOPPED and scores.name == "scores":
        hashed = ["report.ids=hashed"] if (run / FILE).is_file() else []
        return [f"name={run.name}", f"runs={run.parent}", *hashed]
    own = f"{run.name}-{table.stem}" if scores.name == "scores" else table.stem
    return [f"name={re.sub(PLAIN, '-', own).lstrip('.') or 'table'}"]


def judged_again(place: Path, words: Sequence[str]) -> Judgement:
    """The judgement of a run's tables, or of a table.

    Args:
        place: folder of the run or of its tables, or a file.
        words: key=value, such as headline=NAME.

    Raises:
        UserError: if there is no such table.
    """
    config = read_config([*words, f"scores={place}"], DEMO, NOTHING, NOTHING)
    inside, report = place / "scores", place / "report.json"
    if (inside / STOPPED).is_file() and not (inside / "target.parquet").is_file():
        raise UserError(
            f"{place}: is of an audit that stopped as soon as the evidence sufficed, and says that "
            f"alone; lit-clid judge {inside / STOPPED} says it again"
        )
    told = read_json(report) if report.is_file() else {}
    tables, others = load_tables(
        str(place),
        config.shadow_scores,
        read_signals(config.signals),
    )
    headline, fdr, level = judged_by(told)
    for name in leftover(others, told) if told else ():
        del others[name]
    given = " ".join(words)
    return judge(
        tables,
        **others,
        headline=config.headline or headline,
        fdr=config.evidence.fdr if "evidence.fdr" in given or fdr is None else fdr,
        level=config.evidence.level if "evidence.level" in given or level is None else level,
    )


def _compare(
    judgement: Judgement, found: Mapping[str, Mapping[str, Evidence]], baseline: str, folder: Path
) -> None:
    """Print and write every attack's difference from one of them."""
    title = f"minus {baseline}, on the same {len(judgement.target.ids)} records"
    console.say(f"\n{title}\n{console.aligned([HEADER, *_rows(found)], ruled=True)}")
    file = f"versus-{re.sub(PLAIN, '-', baseline)}"
    for ending, text in (("csv", grid_csv(found)), ("tex", grid_tex([HEADER, *_rows(found)]))):
        write_text(folder / f"{file}.{ending}", text)
    console.say(f"\nsee {folder / f'{file}.csv'}, and .tex")


def _rows(found: Mapping[str, Mapping[str, Evidence]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, figures in found.items():
        area, rate = figures["auroc"], figures["tpr_at_fpr_0.1"]
        rows.append((name, interval(area, sign=True), interval(rate, percent=True, sign=True)))
    return rows
