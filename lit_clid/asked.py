"""What a model was asked, and at what cost: parts of the JSON beside a table of signals."""

from dataclasses import dataclass

from lit_clid.plain import Plain


@dataclass(frozen=True, kw_only=True)
class AttackSpec(Plain):
    """What the judgement needs to know of an attack.

    Args:
        title: how people call it; None means by its name.
        columns: of the table.
        rule: that makes one score of them.
        queries, backward: per record, as if the attack ran alone.
        evaluated: queries per record that no earlier attack had asked.
        by_caption: True if it lives on what a record's own caption does.
    """

    title: str | None = None
    columns: tuple[str, ...]
    rule: str
    queries: int | None = None
    backward: int = 0
    evaluated: int | None = None
    by_caption: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Cost(Plain):
    """Queries and backward passes that a table cost; answers shared between attacks count once.

    Args:
        records: that were asked about.
        per_record_one_by_one: queries if the attacks shared no answer.
        total, backward_total: over all records.
    """

    records: int
    per_record: int
    per_record_one_by_one: int
    backward_per_record: int = 0
    total: int
    backward_total: int = 0


@dataclass(frozen=True, kw_only=True)
class AskedUntil(Plain):
    """How an audit that stops by itself asked.

    Args:
        order: ids of the records in the order in which they were asked.
        by: "pairs" or "ranks".
        attack: whose evidence it was.
        level: error at which it stops.
        suspects, holdouts: how many there were to be asked.
    """

    order: tuple[str, ...]
    by: str
    attack: str
    level: float
    suspects: int
    holdouts: int


@dataclass(frozen=True, kw_only=True)
class Quarantined(Plain):
    """A record that was put aside, for the model answers NaN or infinity about it.

    Args:
        member: None for a suspect.
        columns: that were no finite numbers.
    """

    member: bool | None
    columns: tuple[str, ...]
