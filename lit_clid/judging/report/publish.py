"""Publish a judgement: both report files and the table in the terminal."""

from pathlib import Path

from lit_clid.errors import UserError
from lit_clid.judging.judge import Judgement
from lit_clid.judging.report import words
from lit_clid.judging.report.page import PictureSource, surest, write_report
from lit_clid.scores import Scores


def refuse_foreign(folder: Path, scores: str) -> None:
    """Keep the report of a run's own audit from being overwritten by that of a table from
    elsewhere.
    """
    own = (folder / "split.csv").is_file() and not Path(
        scores
    ).expanduser().resolve().is_relative_to(folder.resolve())
    if own:
        raise UserError(
            f"scores: {folder} holds another audit's report; give this one a name of its own with "
            f"name=…"
        )


def load_tables(target: str, shadow: str | None) -> tuple[Scores, dict[str, Scores | None]]:
    """Load tables of signals as `judge` takes them, the target's and the others by name.

    `target` is a file, or a folder that holds target.parquet and perhaps others.

    Beside a file called target.parquet, shadow.parquet is the shadow's table unless another is
    named, and reference.parquet and reference_shadow.parquet are the reference's.
    """
    path = Path(target).expanduser()
    path = path / "target.parquet" if path.is_dir() else path
    beside = path.with_name("shadow.parquet")
    if shadow is None and path.name == "target.parquet" and beside.is_file():
        shadow = str(beside)
    scores = Scores.load(path)
    same = shadow is None or Path(shadow).expanduser().resolve() == beside.resolve()
    own = path.name == "target.parquet" and same
    calibration = None if shadow is None else Scores.load(Path(shadow).expanduser())
    if (
        calibration is not None
        and calibration.ids == scores.ids
        and (calibration.member == scores.member).all()
    ):
        raise UserError(
            f"shadow_scores: {shadow} holds the very records of {path}; a shadow is fitted on "
            f"others"
        )
    others = {name: path.with_name(f"{name}.parquet") for name in ("reference", "reference_shadow")}
    references = {
        name: Scores.load(file) for name, file in others.items() if own and file.is_file()
    }
    return scores, {"shadow": calibration, **references}


def publish(
    judgement: Judgement, folder: Path, name: str, pictures: PictureSource | None = None
) -> None:
    """Write report.json and report.html to `folder` and print verdict, table and path.

    Args:
        pictures: finds the records to show; None shows none.
    """
    shown = [] if pictures is None else [pictures(*record) for record in surest(judgement)]
    page = write_report(judgement, folder, name, shown)
    cost = words.total_queries(judgement)
    said = [
        words.table(judgement),
        words.verdict(judgement),
        *([f"Asked: {cost}"] if cost else []),
        f"report: {page}",
    ]
    print("\n" + "\n\n".join(said), flush=True)
