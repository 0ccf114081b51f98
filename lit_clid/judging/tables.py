"""Tables of signals from disk, as `judge` takes them."""

from pathlib import Path

from lit_clid.errors import UserError
from lit_clid.scores import Scores


def load_tables(target: str, shadow: str | None) -> tuple[Scores, dict[str, Scores | None]]:
    """Load the target's table, and the others by name: the further arguments of `judge`.

    Beside a file called target.parquet, shadow.parquet is the shadow's table unless another is
    named, and reference.parquet and reference_shadow.parquet are the reference's.

    Args:
        target: a file, or a folder that holds target.parquet and perhaps others.
        shadow: a file; None takes the one beside the target's.

    Raises:
        UserError: for a table that cannot be read, or a shadow of the target's own records.
    """
    path = Path(target).expanduser()
    path = path / "target.parquet" if path.is_dir() else path
    beside = path.with_name("shadow.parquet")
    if shadow is None and path.name == "target.parquet" and beside.is_file():
        shadow = str(beside)
    scores = Scores.load(path)
    calibration = None if shadow is None else Scores.load(Path(shadow).expanduser())
    if calibration is not None and _same_records(calibration, scores):
        raise UserError(
            f"shadow_scores: {shadow} holds the very records of {path}; a shadow is fitted on "
            "others"
        )
    own_shadow = shadow is None or Path(shadow).expanduser().resolve() == beside.resolve()
    tables = {"shadow": calibration}
    for name in ("reference", "reference_shadow"):
        file = path.with_name(f"{name}.parquet")
        if path.name == "target.parquet" and own_shadow and file.is_file():
            tables[name] = Scores.load(file)
    return scores, tables


def _same_records(first: Scores, second: Scores) -> bool:
    return first.ids == second.ids and bool((first.member == second.member).all())
