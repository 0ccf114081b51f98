"""Pseudonyms of records: names drawn at random that stand in a report for ids.

A hash of an id would not do: who guesses the id can hash it; nor would a number, which tells the
ids' order. `ids.csv` of the run folder says who is who, and the same record keeps its name. What is
drawn at random in a judgement (replicates, permutations) meets the records in another order.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from lit_clid.about import About
from lit_clid.files import read_text, write_text
from lit_clid.scores import Scores, Suspects

FILE = "ids.csv"
"""In a run's folder."""
HEADER = ("id", "name")


def read_names(folder: Path) -> dict[str, str]:
    """id → pseudonym of the records of a run; none where it has none."""
    file = folder / FILE
    if not file.is_file():
        return {}
    lines = csv.DictReader(io.StringIO(read_text(file)))
    return {line["id"]: line["name"] for line in lines}


def named(tables: Mapping[str, Scores | None], folder: Path) -> dict[str, str]:
    """id → pseudonym of every record of the tables; new ones are drawn and written."""
    known = read_names(folder)
    ids = set[str]().union(*(_ids(table) for table in tables.values() if table is not None))
    new = sorted(ids - known.keys())
    if new:
        known |= {name: f"record-{token_hex(8)}" for name in new}
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([HEADER, *sorted(known.items())])
        write_text(folder / FILE, out.getvalue())
    return known


def pseudonymous(
    target: Scores, others: Mapping[str, Scores | None], folder: Path
) -> tuple[Scores, dict[str, Scores | None]]:
    """The tables of a judgement, their records called by the pseudonyms of a run."""
    names = named({"target": target, **others}, folder)
    return renamed(target, names), {
        role: table and renamed(table, names) for role, table in others.items()
    }


def renamed(table: Scores, names: Mapping[str, str]) -> Scores:
    """A table whose records are called by their pseudonyms."""
    suspects = table.suspects
    if suspects is not None:
        suspects = Suspects(_called(suspects.ids, names), suspects.signals)
    groups, images = table.groups, table.images
    return replace(
        table,
        ids=_called(table.ids, names),
        about=about_renamed(table.about, names),
        suspects=suspects,
        groups=dict(zip(_called(groups, names), groups.values(), strict=True)),
        images=dict(zip(_called(images, names), _called(images.values(), names), strict=True)),
    )


def _called(ids: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """The records by their names; one of no table is called nothing."""
    return [names.get(name, "another record") for name in ids]


def about_renamed(about: About, names: Mapping[str, str]) -> About:
    """What is told of a table, without an id in it: of records left out their number alone."""
    aside, until = about.quarantined, about.until
    return replace(
        about,
        skipped=("another record",) * len(about.skipped),
        quarantined=aside and dict(zip(_called(aside, names), aside.values(), strict=True)),
        until=until and replace(until, order=tuple(_called(until.order, names))),
    )


def _ids(table: Scores) -> list[str]:
    every = [*table.ids, *(table.about.quarantined or {})]
    return every if table.suspects is None else [*every, *table.suspects.ids]
