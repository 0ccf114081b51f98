"""Quarantine: records about which a model answers NaN or infinity, put aside beside the shards.

They are not asked again: a signal is a function of (model, record, seed). A table is made without
them and names them; where there are many it is refused, for then the model is at fault, and what
is left would not be what was to be asked about.
"""

from collections.abc import Mapping
from pathlib import Path

from lit_clid.asked import Quarantined
from lit_clid.auditing.shards import digest_of_ids
from lit_clid.errors import UserError, few
from lit_clid.files import read_json, write_json

ENDING = ".quarantined.json"
MOST = 0.05
"""Share of the records of one kind that a table may lack: its rates move by no more than that."""
KINDS = {True: "members", False: "hold-outs", None: "suspects"}


class HopelessError(UserError):
    """A model has no finite answer about many records."""


def put_aside(shards: Path, found: Mapping[str, Quarantined]) -> None:
    """Keep these records aside, by id, in a file of their own."""
    name = digest_of_ids(list(found)) + ENDING
    write_json(shards / name, {record: each.as_json() for record, each in found.items()})


def quarantined(shards: Path) -> dict[str, Quarantined]:
    """The records put aside so far, by id in order.

    Raises:
        UserError: for a file that does not tell of any.
    """
    found: dict[str, Quarantined] = {}
    for path in shards.glob(f"*{ENDING}"):
        content = read_json(path)
        if not isinstance(content, dict):
            raise UserError(f"{path}: names no records; delete it, they are asked again")
        for record, told in content.items():
            found[record] = Quarantined.from_json(told, str(path), record)
    return dict(sorted(found.items()))


def too_many(found: Mapping[str, bool | None], expected: Mapping[str, bool | None]) -> bool:
    """Whether more records of a kind are aside than one and `MOST` of them.

    Args:
        found: records put aside, id → member.
        expected: all records of the table, likewise.
    """
    for kind in KINDS:
        aside = list(found.values()).count(kind)
        if aside > max(1, MOST * list(expected.values()).count(kind)):
            return True
    return False


def refuse_many(
    found: Mapping[str, Quarantined], expected: Mapping[str, bool | None], shards: Path
) -> None:
    """Refuse a table that would lack too many records.

    Raises:
        UserError: naming the first of them, and the columns.
    """
    if too_many({name: each.member for name, each in found.items()}, expected):
        raise HopelessError(
            f"the model answers NaN or infinity about {counted(found, expected)}: "
            f"{few(list(found), 5)} ({few(columns_of(found), 3)}); more than {MOST:.0%} of a kind "
            "are not left out: look at them, leave the attack out under another name=…, or, if the "
            f"denoiser runs in half precision, delete {shards} and set audit.precision=32; the "
            "rest is kept"
        )


def counted(found: Mapping[str, Quarantined], expected: Mapping[str, bool | None]) -> str:
    """How many of each kind: "2 of 40 records (2 of 20 members, 0 of 20 hold-outs)"."""
    own, every = [each.member for each in found.values()], list(expected.values())
    kinds = [kind for kind in KINDS if kind in every]
    parts = [f"{own.count(kind)} of {every.count(kind)} {KINDS[kind]}" for kind in kinds]
    return f"{len(own)} of {len(every)} records ({', '.join(parts)})"


def columns_of(found: Mapping[str, Quarantined]) -> list[str]:
    """The columns that were no finite numbers, in order."""
    return sorted({column for each in found.values() for column in each.columns})
