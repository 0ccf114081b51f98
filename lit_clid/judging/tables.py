"""Tables of signals from disk, as `judge` takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lit_clid.asked import AttackSpec
from lit_clid.errors import UserError, few, suggestion
from lit_clid.judging.rules import RULES
from lit_clid.scores import Scores

Signals = Sequence[str] | Mapping[str, AttackSpec] | None
"""Columns to take, or attacks made of columns; None leaves it to the table."""


def read_signals(wanted: Any) -> Signals:
    """What `signals:` of a configuration names.

    Raises:
        UserError: unless it is a list of columns, or a mapping from an attack's name to a column
            or to `columns`, `rule` and `title`.
    """
    if wanted is None or (isinstance(wanted, list) and all(isinstance(n, str) for n in wanted)):
        return wanted or None
    if not isinstance(wanted, dict):
        raise UserError(
            f"signals: {wanted!r} is neither a list of columns nor a mapping from an attack's name "
            "to {columns: [NAME, …], rule: RULE}"
        )
    return {str(name): _spec(f"signals.{name}", told) for name, told in wanted.items()}


def _spec(key: str, told: Any) -> AttackSpec:
    told = {"columns": told} if isinstance(told, (str, list)) else told
    if not isinstance(told, dict) or "columns" not in told:
        raise UserError(f"{key}: {told!r} does not say its columns, such as {{columns: [l]}}")
    for name in told:
        if name not in ("columns", "rule", "title"):
            near = suggestion(str(name), ["columns", "rule", "title"])
            raise UserError(f"{key}: unknown key '{name}'{near}")
    columns = [told["columns"]] if isinstance(told["columns"], str) else told["columns"]
    if not isinstance(columns, list) or not columns or not all(isinstance(c, str) for c in columns):
        raise UserError(f"{key}.columns: {told['columns']!r} is not a list of names")
    rule = told.get("rule", "first" if len(columns) == 1 else None)
    if rule not in RULES:
        raise UserError(
            f"{key}.rule: {rule!r} is none; several columns need one of {few(list(RULES))}"
        )
    title = told.get("title")
    return AttackSpec(
        title=None if title is None else str(title), columns=tuple(columns), rule=rule
    )


def _load(path: Path, signals: Signals) -> Scores:
    """A table, its signals those that are wanted."""
    if not isinstance(signals, Mapping):
        table = Scores.load(path, signals)
        about = table.about if signals is None else replace(table.about, attacks={})
        return replace(table, about=about)
    names = dict.fromkeys(column for spec in signals.values() for column in spec.columns)
    table = Scores.load(path, list(names))
    return replace(table, about=replace(table.about, attacks=dict(signals), claims=None))


def load_tables(
    target: str, shadow: str | None, signals: Signals = None
) -> tuple[Scores, dict[str, Scores | None]]:
    """Load the target's table, and the others by name: the further arguments of `judge`.

    Beside a file called target.parquet, shadow.parquet is the shadow's table unless another is
    named, reference.parquet and reference_shadow.parquet are the reference's, blind.parquet
    holds features of the records that no model has seen, swapped.parquet answers with captions of
    others, and cascade.parquet an expensive attack's about the records in question.

    Args:
        target: a file, a run, or its folder that holds target.parquet and perhaps others.
        shadow: a file; None takes the one beside the target's.
        signals: columns to judge, or attacks made of them; None takes the attacks that the table
            tells of, or else every column that can be a signal.

    Raises:
        UserError: for a table that cannot be read, or a shadow of the target's own records.
    """
    path = Path(target).expanduser()
    if path.is_dir():
        inner = path / "scores"
        path = (inner if inner.is_dir() else path) / "target.parquet"
    beside = path.with_name("shadow.parquet")
    if shadow is None and path.name in ("target.parquet", "stopped.parquet") and beside.is_file():
        shadow = str(beside)
    scores = _load(path, signals)
    if signals is None and not scores.about.attacks:  # the same columns of every table
        signals = list(scores.signals)
    calibration = None if shadow is None else _load(Path(shadow).expanduser(), signals)
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
            tables[name] = _load(file, None if scores.about.attacks else signals)
    for name in ("blind", "swapped", "cascade"):
        file = path.with_name(f"{name}.parquet")
        ours = path.name == "target.parquet" or (path.name, name) == ("stopped.parquet", "blind")
        if ours and file.is_file():
            tables[name] = _load(file, None)
    return scores, tables


def _same_records(first: Scores, second: Scores) -> bool:
    return first.ids == second.ids and bool((first.member == second.member).all())
