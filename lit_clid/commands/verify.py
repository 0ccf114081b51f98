"""Verify a report: derive every figure again from the tables, and say whether they agree."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.config.named import NOTHING
from lit_clid.config.reading import DEMO, read_config
from lit_clid.errors import UserError, few
from lit_clid.files import read_json, read_text
from lit_clid.judging.controls.all import controls_of_blind
from lit_clid.judging.judge import judge
from lit_clid.judging.pseudonyms import read_names, renamed
from lit_clid.judging.report.card import card_markdown
from lit_clid.judging.report.page import report_json, report_markdown, report_tables
from lit_clid.judging.report.papers import results_texts
from lit_clid.judging.report.section import SCHEMA, VERSION, Report
from lit_clid.judging.report.stopped import StoppedReport
from lit_clid.judging.suspects.stopped import look_again
from lit_clid.judging.tables import load_tables, read_signals

CLOSE = 1e-6
"""Relative difference up to which two numbers agree: libraries add up in their own order."""
MISSING = "nothing"


def main(arguments: Sequence[str]) -> None:
    """Verify RUN/report.json.

    Raises:
        UserError: if there is no such report, or a figure differs.
    """
    if not arguments or "=" in arguments[0]:
        raise UserError("verify: name the run's folder, as in lit-clid verify runs/demo")
    folder = Path(arguments[0]).expanduser()
    told = _report(folder / "report.json")
    found, texts = _again(told, folder, arguments[1:])
    differing = list(differences(told, found))
    for name, text in texts.items():
        file = folder / name
        lies = read_text(file) if file.is_file() else MISSING
        if not _says_the_same(name, str(lies), text):
            differing.append((name, "another text" if file.is_file() else MISSING, "its own"))
    count = sum(1 for _ in leaves(told))
    if differing:
        lines = [f"{path}: {_short(old)} instead of {_short(new)}" for path, old, new in differing]
        raise UserError(
            f"{folder / 'report.json'}: {len(differing)} of {count} values differ from what the "
            f"tables give: {few(lines, 5)}; was a table or the report changed, or another version "
            "of lit-clid used?"
        )
    console.say(f"{folder / 'report.json'}: all {count} values are those that the tables give")


def _says_the_same(name: str, lies: str, text: str) -> bool:
    """Whether two texts do; numbers of a table as those of the report."""
    if not name.endswith(".csv"):
        return lies == text
    return lies == text or not any(differences(_cells(lies), _cells(text)))


def _cells(text: str) -> list[list[float | str]]:
    """The rows of a CSV, numbers as numbers."""
    rows: list[list[float | str]] = []
    for line in csv.reader(io.StringIO(text)):
        rows.append([_as_number(cell) for cell in line])
    return rows


def _as_number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _report(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path}: no such report; audit first, or name the run's folder")
    told = read_json(path)
    if not isinstance(told, dict) or told.get("version") != VERSION:
        raise UserError(
            f"{path}: is of another version of lit-clid (this one writes version {VERSION}); audit "
            "again, tables that are complete are not asked anew"
        )
    needed = json.loads(SCHEMA.read_text(encoding="utf-8"))
    kind = needed["then" if "stopped" in told else "else"]
    missing = [key for key in kind["required"] if key not in told]
    types = {"name": str, "verdict": str, "provenance": dict, "suspects": dict, "stopped": dict}
    wrong = [key for key, kept in types.items() if not isinstance(told.get(key, kept()), kept)]
    if missing or wrong:
        raise UserError(f"{path}: is damaged (keys {few([*missing, *wrong])}); audit again")
    return told


def _again(
    told: dict[str, Any], folder: Path, words: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The report's content, and the texts that stand beside it by file, derived again."""
    config = read_config(words, DEMO, NOTHING, NOTHING)
    stopped = "stopped" in told
    tables = folder / "scores"
    target = tables / "stopped.parquet" if stopped else tables
    if config.scores is None and not tables.is_dir():
        raise UserError(
            f"{tables}: no tables; a report of a table from elsewhere is verified with "
            "scores=FILE beside the folder"
        )
    where, signals = config.scores or str(target), read_signals(config.signals)
    scores, others = load_tables(where, config.shadow_scores, signals)
    names = read_names(folder)
    if _is_hashed(told, names):
        scores = renamed(scores, names)
        others = {role: table and renamed(table, names) for role, table in others.items()}
    if stopped:
        evidence = look_again(scores, others["shadow"])
        controls = controls_of_blind(others.get("blind"))
        report = StoppedReport(told["name"], evidence, scores.about, controls)
        texts = {"report.md": report.markdown()}
        return _plain(report.as_json()), _those_there(texts, folder)
    for name in leftover(others, told):
        del others[name]
    headline, fdr, level = judged_by(told)
    judgement = judge(
        scores,
        **others,
        headline=headline,
        fdr=config.evidence.fdr if fdr is None else fdr,
        level=config.evidence.level if level is None else level,
    )
    again = Report(told["name"], judgement)
    texts = {f"{name}.csv": text for name, text in report_tables(again).items() if text}
    texts |= {"report.md": report_markdown(again), "card.md": card_markdown(again)}
    texts |= results_texts(judgement)
    return _plain(report_json(again)), _those_there(texts, folder)


def _those_there(texts: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Without the files that a folder has not: what was passed on may be some of them alone."""
    return {name: text for name, text in texts.items() if (folder / name).is_file()}


def leftover(tables: Mapping[str, Any], told: Mapping[str, Any]) -> set[str]:
    """Tables that a report does not speak of, of an audit that asked more."""
    return set(tables) - {"shadow", "blind"} - set(told.get("provenance", {}))


def judged_by(told: Mapping[str, Any]) -> tuple[str | None, float | None, float | None]:
    """The headline that was named, the false-discovery rate and the level of a report; None where
    it tells none.
    """
    suspects = told.get("suspects", {})
    named = told.get("headline_chosen") == "named"
    return (
        told.get("headline") if named else None,
        suspects.get("list", {}).get("false_discovery_rate"),
        suspects.get("sequential", {}).get("level"),
    )


def _is_hashed(told: dict[str, Any], names: Mapping[str, str]) -> bool:
    """Whether the report calls records by their pseudonyms."""
    first = told.get("surest") or [{"id": order} for order in _order(told)]
    return bool(names) and all(each["id"] in set(names.values()) for each in first)


def _order(told: dict[str, Any]) -> list[str]:
    """The records that an audit which stopped had asked."""
    until = told["provenance"].get("target", {}).get("until") or {}
    return list(until.get("order", []))


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """As it would be read from the file."""
    found: dict[str, Any] = json.loads(json.dumps(content))
    return found


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, value, other value) of everything in which two documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            below = f"{path}.{key}" if path else str(key)
            yield from differences(old.get(key, MISSING), new.get(key, MISSING), below)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for k, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, other, f"{path}[{k}]")
    elif not _agree(old, new):
        yield path, old, new


def _agree(old: Any, new: Any) -> bool:
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (old, new))
    if numbers:
        return isclose(old, new, rel_tol=CLOSE, abs_tol=CLOSE**2)
    return type(old) is type(new) and bool(old == new)


def leaves(content: Any) -> Iterator[Any]:
    """Every plain value of a document."""
    if isinstance(content, dict):
        for value in content.values():
            yield from leaves(value)
    elif isinstance(content, list):
        for value in content:
            yield from leaves(value)
    else:
        yield content


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
